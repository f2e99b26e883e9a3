import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { versionKey } from '@causeway/schemas/agreements/log';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { leavesOf } from '@causeway/schemas/avro/schema';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { meetsWhere } from '@causeway/schemas/disclosure/conditions';
import { deriveView, formOf } from '@causeway/schemas/disclosure/view';
import { previewProjection } from '../avro/projector.ts';

/** One leaf of an event type as an agreement treats it; `value` is what the recipient would read, of the example. */
export type PreviewedLeaf = { path: string; form: string; value: unknown };

/** What one recipient would get of one event type under an agreement, shown on the type's synthetic example. */
export type Preview = {
  type: string;
  title: string;
  recipient: string;
  /** The agreement does not name it: it corrects or voids a type that the agreement names. */
  sibling: boolean;
  /** Whether the example meets the agreement's conditions on its values; if not, the example itself would be withheld. */
  meetsConditions: boolean;
  seen: PreviewedLeaf[];
  withheld: PreviewedLeaf[];
};

/**
 * Shows an agreement on the examples of the event types it releases, through real views: a value in a general form
 * stands as the recipient would read it. The agreement has been checked against the same catalogue.
 */
export const previewAgreement = (agreement: Agreement, catalogue: readonly EventType[]): Preview[] => {
  const { release } = expandAgreement(agreement, catalogue);
  return Object.entries(release).flatMap(([type, released]) => {
    const eventType = catalogue.find((known) => known.type === type);
    if (!eventType) return [];
    const { schema, example, title } = eventType;
    const leaves = leavesOf(schema).map(({ path }) => path);
    const shown = (path: string, form: string, data: unknown): PreviewedLeaf => ({
      path,
      form,
      value: valueAt(data, path),
    });
    return agreement.to.map((recipient) => {
      const view = deriveView(schema, released, { recipient, type, agreements: [versionKey(agreement)] });
      const data = previewProjection(schema, view, released.generalise, example.data);
      const kept = new Set(leavesOf(view).map(({ path }) => path));
      return {
        type,
        title,
        recipient,
        sibling: !Object.hasOwn(agreement.release, type),
        meetsConditions: meetsWhere(agreement.where, example.data),
        seen: leaves
          .filter((path) => kept.has(path))
          .map((path) => shown(path, formOf(released, path) ?? 'exact', data)),
        withheld: leaves
          .filter((path) => !kept.has(path))
          .map((path) => shown(path, 'withheld', example.data)),
      };
    });
  });
};

const valueAt = (data: unknown, path: string): unknown => stepInto(data, path.split('.')) ?? null;

const stepInto = (value: unknown, [step, ...rest]: string[]): unknown => {
  if (step === undefined || typeof value !== 'object' || value === null) return value;
  const inner = (value as Record<string, unknown>)[step.replace('[]', '')];
  return step.endsWith('[]') && Array.isArray(inner)
    ? inner.map((item) => stepInto(item, rest))
    : stepInto(inner, rest);
};
