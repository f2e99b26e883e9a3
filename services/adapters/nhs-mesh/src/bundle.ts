/** A FHIR message bundle: its header, and the resources that refer to each other. */
import { all, at, extensions, type Node, valueAt } from './tree.ts';

export type Bundle = { root: Node; header: Node; resources: Resource[] };
type Resource = { fullUrl: string | undefined; node: Node };

const resourcesOf = (root: Node): Resource[] =>
  all(root, 'entry').flatMap((entry) => {
    const [node] = at(entry, 'resource')?.children ?? [];
    return node === undefined ? [] : [{ fullUrl: valueAt(entry, 'fullUrl'), node }];
  });

/** The bundles of the events themselves: a mailbox may receive them inside the bundle of a distribution envelope (ITK3). */
export const bundlesOf = (root: Node): Bundle[] => {
  if (root.name !== 'Bundle') return [];
  const resources = resourcesOf(root);
  const inner = resources.flatMap(({ node }) => bundlesOf(node));
  if (inner.length > 0) return inner;
  const header = resources.find(({ node }) => node.name === 'MessageHeader')?.node;
  return header === undefined ? [] : [{ root, header, resources }];
};

/** The resource that a `reference` element of this element names; undefined for one that is not in the bundle. */
export const resolve = (
  { resources }: Bundle,
  element: Node | undefined,
  ...path: string[]
): Node | undefined => {
  const reference = valueAt(element, ...path, 'reference');
  if (reference === undefined) return undefined;
  const id = reference.split(/[/:]/).at(-1);
  const found =
    resources.find(({ fullUrl }) => fullUrl === reference) ??
    resources.find(({ fullUrl, node }) => fullUrl === id || valueAt(node, 'id') === id);
  return found?.node;
};

export const resourcesNamed = ({ resources }: Bundle, name: string): Node[] =>
  resources.flatMap(({ node }) => (node.name === name ? [node] : []));

/** Whom the message is about: the focus, or the subject of the focus. */
export const focusOf = (bundle: Bundle): Node | undefined => {
  const focus = resolve(bundle, bundle.header, 'focus');
  if (focus?.name === 'Patient') return focus;
  const subject = resolve(bundle, focus, 'subject');
  if (subject?.name === 'Patient') return subject;
  const patients = resourcesNamed(bundle, 'Patient');
  return patients.length === 1 ? patients[0] : undefined;
};

/** The number under which the message was routed to the mailbox. */
export const routedNumber = ({ header }: Bundle): string | undefined => {
  const [routing] = extensions(header, 'Extension-RoutingDemographics-1');
  const [number] = extensions(routing, 'nhsNumber');
  return valueAt(number, 'valueIdentifier', 'value');
};

/** `new`, `update` or `delete`. */
export const lifeCycleOf = ({ header }: Bundle): string | undefined => {
  const [type] = extensions(header, 'Extension-MessageEventType-1');
  return valueAt(type, 'valueCodeableConcept', 'coding', 'code');
};
