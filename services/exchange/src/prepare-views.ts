import { type Rulebook, rulebookOf } from '@causeway/runtime/disclosure/release-decision';
import { errorCode } from '@causeway/runtime/errors';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { VersionState } from '@causeway/schemas/agreements/log';
import type { Released, Views } from './views.ts';

/** Of more agreements than this about one type not every combination is prepared, only each by itself and all together. */
const MOST_COMBINED = 3;
/** At a start the registry has most views already; more than this many are left to their first events. */
const MOST_AT_START = 200;

type Wanted = { type: string; schemaId: number; released: Released };

/**
 * Derives and registers views when their agreements come into force, so that no event waits for the registry. To be called
 * often: it looks whether the agreements have changed. What fails is left to the first event.
 */
export const createPreparer = (views: Views, agreements: Pick<Agreements, 'state'>, log: Logger) => {
  const seen = new Set<VersionState['record']>();
  let looked: unknown = null;
  let working: Promise<void> = Promise.resolve();

  const prepare = async (wanted: readonly Wanted[]) => {
    for (const { type, schemaId, released } of wanted)
      try {
        await views.projectionOf(schemaId, type, released);
      } catch (error) {
        log.warn(
          { event: 'view.retrying', type, recipient: released.recipient, code: errorCode(error) },
          'A view could not be prepared; its first event waits for it',
        );
      }
  };

  return (): Promise<void> => {
    const state = agreements.state();
    if (state === looked) return working;
    const isStart = looked === null;
    looked = state;
    const wanted = wantedBy(rulebookOf(state), seen);
    for (const { record, status } of state.versions.values()) if (status === 'active') seen.add(record);
    if (!isStart || wanted.length <= MOST_AT_START) working = working.then(() => prepare(wanted));
    return working;
  };
};

/** The views of every set of agreements that can pass together and has a version in it that was not seen before. */
const wantedBy = (rules: Rulebook, seen: ReadonlySet<VersionState['record']>): Wanted[] =>
  [...rules].flatMap(([key, recipients]) => {
    const type = key.slice(key.indexOf(' ') + 1);
    return [...recipients].flatMap(([recipient, all]) => {
      const active = all.filter(({ status, record }) => status === 'active' && record.release[type]);
      return combinations(active)
        .filter((versions) => versions.some(({ record }) => !seen.has(record)))
        .flatMap((versions) => {
          const schemaId = Math.max(...versions.map(({ record }) => record.release[type]?.schemaId ?? 0));
          const one = (shielded: boolean) => ({
            type,
            schemaId,
            released: { recipient, versions, shielded },
          });
          return [one(false), one(true)];
        });
    });
  });

const combinations = (versions: VersionState[]): VersionState[][] => {
  if (versions.length > MOST_COMBINED) return [...versions.map((one) => [one]), versions];
  const sets: VersionState[][] = [];
  for (const one of versions) sets.push(...sets.map((set) => [...set, one]), [one]);
  return sets;
};
