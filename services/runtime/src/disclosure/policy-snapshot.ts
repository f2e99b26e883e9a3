import type { VersionState } from '@causeway/schemas/agreements/log';
import { ageOf, type MonotonicTime } from '../async/monotonic-clock.ts';
import { type Agreements, FRESH_MS } from '../reference-data/agreements.ts';
import type { Organisations } from '../reference-data/organisations.ts';
import { NO_LINKS } from '../reference-data/person-index.ts';
import type { SafeguardKind, Safeguards } from '../reference-data/safeguards.ts';
import type { TopicFollower } from '../reference-data/topic-follower.ts';
import { type Rulebook, rulebookOf, ukDate } from './release-decision.ts';

/** What a process that hands events over follows. */
export type PolicyInputs = {
  agreements: Pick<Agreements, 'state' | 'offset' | 'freshWithin'>;
  /** Without it what an organisation has undertaken counts as when the event was released. */
  organisations?: Pick<Organisations, 'get' | 'freshWithin'>;
  /** Only our own services may read them; a sink relies on the exchange. */
  safeguards?: Pick<Safeguards, 'protecting'> & Pick<TopicFollower, 'freshAt' | 'freshWithin' | 'revision'>;
};

/** What is known at one moment, for any number of records. */
export type PolicySnapshot = {
  rules: Rulebook;
  /** A version by `<id>/<version>`, whatever became of it. */
  version(reference: string): VersionState | undefined;
  /** Which of these codes the organisation has undertaken to keep. */
  handlingAccepted(organisation: string, codes: readonly string[]): string[];
  /** What protects the person with one of these tokens. */
  protecting(tokens: readonly string[]): SafeguardKind[];
  /** Civil date in the United Kingdom, `YYYY-MM-DD`. */
  today: string;
};

export type PolicySnapshots = {
  current(): PolicySnapshot;
  /**
   * Whether what was decided by it may still go out: the agreements are the same, and no knowledge is older than 750 ms.
   * To be asked after deciding, just before sending.
   */
  isCurrent(ruling: PolicySnapshot): boolean;
  /** Whether a ruling that is made now would be current. */
  isFresh(): boolean;
};

/** @param now milliseconds since 1970 */
export const createPolicySnapshots = (knowledge: PolicyInputs, now: () => number): PolicySnapshots => {
  const { agreements, organisations, safeguards } = knowledge;
  const made = new WeakMap<PolicySnapshot, { offset: number; people: SnapshotVersion | null }>();
  const isFresh = () =>
    agreements.freshWithin(FRESH_MS) &&
    (organisations?.freshWithin(FRESH_MS) ?? true) &&
    (safeguards?.freshWithin(FRESH_MS) ?? true);

  return {
    isFresh,
    current: () => {
      const offset = agreements.offset();
      const state = agreements.state();
      const ruling: PolicySnapshot = {
        rules: rulebookOf(state),
        version: (reference) => state.versions.get(reference),
        handlingAccepted: (id, codes) =>
          organisations ? (organisations.get(id)?.handlingAccepted ?? []) : [...codes],
        protecting: (tokens) => safeguards?.protecting(tokens, NO_LINKS).map(({ kind }) => kind) ?? [],
        today: ukDate(new Date(now())),
      };
      made.set(ruling, { offset, people: safeguards ? snapshotVersion(safeguards) : null });
      return ruling;
    },
    isCurrent: (ruling) => {
      const mark = made.get(ruling);
      if (mark === undefined || !isFresh() || agreements.offset() !== mark.offset) return false;
      return mark.people === null || safeguards === undefined || isCurrent(safeguards, mark.people);
    },
  };
};

/** Up to where people were known when something was decided. */
export type SnapshotVersion = { revision: number; freshAt: MonotonicTime };

type Followed = Pick<TopicFollower, 'freshAt' | 'freshWithin' | 'revision'>;

export const snapshotVersion = (people: Followed): SnapshotVersion => ({
  revision: people.revision(),
  freshAt: people.freshAt(),
});

/**
 * Whether what was decided then may still go out: nothing has come since, as of 750 ms ago at most, or it was decided less than
 * that ago. So a stream of new interests holds nothing up, and no safeguard is passed by more than that.
 */
export const isCurrent = (people: Followed, { revision, freshAt }: SnapshotVersion): boolean =>
  ageOf(freshAt) <= FRESH_MS || (people.revision() === revision && people.freshWithin(FRESH_MS));
