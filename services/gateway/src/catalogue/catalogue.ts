import { termRefusal } from '@causeway/runtime/disclosure/gates';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { type AgreementsState, type VersionState, versionKey } from '@causeway/schemas/agreements/log';
import { type AvroSchema, leavesOf, type Sensitivity } from '@causeway/schemas/avro/schema';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import { deriveView, formOf, type Release, unionRelease } from '@causeway/schemas/disclosure/view';

/**
 * What one organisation may receive and publish today, after projection. It comes from the agreements that are in force; a
 * type of which no agreement releases anything does not exist for the organisation.
 */

type Field = { path: string; description: string; sensitivity: Sensitivity; form?: string };

type UnderAgreement = {
  id: string;
  version: number;
  title: string;
  purpose: string;
  retention: string;
  onward: string;
  audience: Agreement['audience'];
  where: Agreement['where'];
  feedback: boolean;
  until: string;
};

export type Received = {
  from: string;
  type: string;
  title: string;
  fields: Field[];
  withheld: string[];
  agreements: UnderAgreement[];
};

export type Publishable = { type: string; title: string; to: string[]; agreements: string[] };

export type Catalogue = {
  organisation: string;
  receives: Received[];
  /** What others say of the organisation's own events; needs no agreement. */
  feedback: { type: string; title: string }[];
  publishes: Publishable[];
};

export type CatalogueQuestion = {
  state: AgreementsState;
  types: readonly EventType[];
  organisation: string;
  /** `YYYY-MM-DD` in the United Kingdom. */
  today: string;
};

export const catalogueOf = (question: CatalogueQuestion): Catalogue => {
  const { types, organisation } = question;
  const feedback = types.filter(({ type }) => isFeedback(type));
  return {
    organisation,
    receives: viewsOf(question).map(receivedOf),
    feedback: feedback.map(({ type, title }) => ({ type, title })),
    publishes: publishedBy(question),
  };
};

/** One event type from one source, as far as the agreements in force release it together. */
export type ReceivedView = {
  from: string;
  eventType: EventType;
  versions: VersionState[];
  release: Release;
  schema: AvroSchema;
};

/** In order of source and type. */
export const viewsOf = ({ state, types, organisation, today }: CatalogueQuestion): ReceivedView[] => {
  const found = new Map<string, { from: string; eventType: EventType; versions: VersionState[] }>();
  for (const version of state.versions.values()) {
    const { agreement, release } = version.record;
    if (!agreement.to.includes(organisation) || termRefusal(version, today) !== null) continue;
    for (const eventType of types.filter(({ type }) => Object.hasOwn(release, type))) {
      const key = `${agreement.from} ${eventType.type}`;
      const known = found.get(key) ?? { from: agreement.from, eventType, versions: [] };
      found.set(key, { ...known, versions: [...known.versions, version] });
    }
  }
  return [...found.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, one]) => {
      const release = unionRelease(
        one.versions.flatMap(({ record }) => record.release[one.eventType.type] ?? []),
      );
      return 'problem' in release
        ? []
        : [{ ...one, release, schema: viewSchema(organisation, one, release) }];
    });
};

type Found = Pick<ReceivedView, 'eventType' | 'versions'>;

const viewSchema = (recipient: string, { eventType, versions }: Found, release: Release): AvroSchema => {
  const known = new Set(leavesOf(eventType.schema).map(({ path }) => path));
  // An agreement can have been loaded by a later version of this program, with leaves that this one does not know.
  const leaves = release.leaves.filter((leaf) => known.has(leaf));
  const generalise = Object.fromEntries(
    Object.entries(release.generalise).filter(([leaf]) => known.has(leaf)),
  );
  const agreements = versions.map(({ record }) => versionKey(record));
  return deriveView(
    eventType.schema,
    { leaves, generalise },
    { recipient, type: eventType.type, agreements },
  );
};

const receivedOf = ({ from, eventType, versions, release, schema }: ReceivedView): Received => {
  const released = leavesOf(schema);
  const paths = new Set(released.map(({ path }) => path));
  return {
    from,
    type: eventType.type,
    title: eventType.title,
    fields: released.map(({ path, field }) => ({
      path,
      description: field.doc ?? '',
      sensitivity: field.sensitivity ?? 'plain',
      ...given('form', formOf(release, path)),
    })),
    withheld: leavesOf(eventType.schema)
      .map(({ path }) => path)
      .filter((path) => !paths.has(path)),
    agreements: versions.map(underAgreement),
  };
};

const given = (name: 'form', value: string | undefined) => (value === undefined ? {} : { [name]: value });

const underAgreement = ({ record: { agreement } }: VersionState): UnderAgreement => ({
  id: agreement.id,
  version: agreement.version,
  title: agreement.title,
  purpose: agreement.purpose,
  retention: agreement.recipient.retention,
  onward: agreement.recipient.onward,
  audience: agreement.audience,
  where: agreement.where,
  feedback: agreement.feedback,
  until: agreement.valid.until,
});

const publishedBy = ({ state, types, organisation, today }: CatalogueQuestion): Publishable[] =>
  types.flatMap(({ type, title }) => {
    const versions = [...state.versions.values()].filter(
      (version) =>
        version.record.agreement.from === organisation &&
        Object.hasOwn(version.record.release, type) &&
        termRefusal(version, today) === null,
    );
    if (versions.length === 0) return [];
    const to = [...new Set(versions.flatMap(({ record }) => record.agreement.to))].sort();
    return [{ type, title, to, agreements: versions.map(({ record }) => versionKey(record)) }];
  });
