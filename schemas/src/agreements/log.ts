import type { Agreement, AgreementStatus } from './agreement.ts';
import type { TypeRelease } from './release.ts';

/** One version of an agreement as loaded: never changes. `release` holds leaves, pinned with the schema's id. */
export type VersionRecord = {
  kind: 'version';
  id: string;
  version: number;
  agreement: Agreement;
  release: Record<string, TypeRelease & { schemaId: number }>;
  digest: string;
  by: string;
  /** RFC 3339. */
  at: string;
};

export type StatusRecord = {
  kind: 'status';
  id: string;
  version: number;
  status: AgreementStatus;
  reason: string;
  by: string;
  /** RFC 3339. */
  at: string;
};

export type AgreementRecord = VersionRecord | StatusRecord;

/** `counted`: it has been active or suspended, so the versions below it are over. */
export type VersionState = { record: VersionRecord; status: AgreementStatus; counted: boolean };

/** What the records of the agreements topic come to. Keys are `<id>/<version>`. */
export type AgreementsState = { versions: ReadonlyMap<string, VersionState> };

export function emptyState(): AgreementsState {
  return { versions: new Map() };
}

/** The key of a version, also how headers and the ledger name it: `<id>/<version>`. */
export function versionKey({ id, version }: { id: string; version: number }): string {
  return `${id}/${version}`;
}

/**
 * Adds one record; the state given is not changed. The first record of a version counts, a repetition does not. A
 * version is a draft until a status says otherwise. A version that becomes active or suspended ends those below it, so
 * that suspending it never brings an older one back to life; `ended` is final, and nothing becomes a draft again. A
 * status for an unknown version changes nothing. Records of different versions can come in any order.
 */
export function applyRecord(state: AgreementsState, record: AgreementRecord): AgreementsState {
  const key = versionKey(record);
  const known = state.versions.get(key);
  if (record.kind === 'version') {
    if (known) return state;
    const status = isSuperseded(state, record) ? 'ended' : 'draft';
    return { versions: new Map(state.versions).set(key, { record, status, counted: false }) };
  }
  if (!known || known.status === 'ended' || known.status === record.status || record.status === 'draft') {
    return state;
  }
  const { status } = record;
  const counted = known.counted || status !== 'ended';
  const versions = new Map(state.versions).set(key, { record: known.record, status, counted });
  if (counted) endBelow(versions, record);
  return { versions };
}

function endBelow(versions: Map<string, VersionState>, { id, version }: StatusRecord): void {
  for (const [key, older] of versions) {
    if (older.record.id === id && older.record.version < version) {
      versions.set(key, { ...older, status: 'ended' });
    }
  }
}

function isSuperseded(state: AgreementsState, { id, version }: VersionRecord): boolean {
  return [...state.versions.values()].some(
    ({ record, counted }) => counted && record.id === id && record.version > version,
  );
}

/** For each agreement the version that is active, if one is: in order of id. */
export function currentVersions(state: AgreementsState): VersionRecord[] {
  const current = new Map<string, VersionRecord>();
  for (const { record, status } of state.versions.values()) {
    if (status !== 'active') continue;
    const other = current.get(record.id);
    if (!other || other.version < record.version) current.set(record.id, record);
  }
  return [...current.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
