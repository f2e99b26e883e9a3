/** Messages that the source side kept as dead letters, once more through its own intake. */

import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { createIntake, type IntakeOptions } from './intake.ts';

/** Only whole messages can become anything: what was cut at its size, or half a message, stays what it is. */
export const createSourceRedrive =
  (options: IntakeOptions) =>
  async (letter: FetchedRecord): Promise<Redriven> => {
    if (letter.value === null || letter.headers['dl-length'] !== undefined)
      return { outcome: 'refused', code: 'not-whole' };
    const seen: Redriven[] = [];
    const failed: unknown[] = [];
    const source: IntakeOptions['source'] = {
      async accept(message) {
        try {
          const fate = await options.source.accept(message);
          const code = 'reason' in fate ? fate.reason : 'ok';
          if (fate.fate === 'dead-lettered') seen.push({ outcome: 'refused', code });
          else seen.push({ outcome: fate.fate === 'ignored' ? 'not-shared' : fate.fate, code });
          return fate;
        } catch (error) {
          failed.push(error);
          throw error;
        }
      },
      async deadLetter(again) {
        await options.source.deadLetter(again);
        seen.push({ outcome: 'refused', code: again.reason });
      },
    };
    await createIntake({ ...options, source })({
      frame: { kind: 'message', content: letter.value },
      silent: false,
    });
    if (failed.length > 0) throw failed[0];
    return (
      seen.find(({ outcome }) => outcome === 'published') ??
      seen.at(-1) ?? { outcome: 'not-shared', code: 'ignored' }
    );
  };
