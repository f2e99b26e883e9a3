/** Messages that the source side kept as dead letters, once more through its own intake. */

import { reasonOf, redrivenAs, redriveWhole } from '@causeway/runtime/adapter/intake';
import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import { createIntake, type IntakeOptions } from './intake.ts';

export const createSourceRedrive = (options: IntakeOptions) =>
  redriveWhole(async (content) => {
    const seen: Redriven[] = [];
    const failed: unknown[] = [];
    const source: IntakeOptions['source'] = {
      async accept(message) {
        try {
          const fate = await options.source.accept(message);
          seen.push(redrivenAs({ outcome: fate.fate, reason: reasonOf(fate) }));
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
      frame: { kind: 'message', content },
      silent: false,
    });
    if (failed.length > 0) throw failed[0];
    return (
      seen.find(({ outcome }) => outcome === 'published') ??
      seen.at(-1) ?? { outcome: 'not-shared', code: 'ignored' }
    );
  });
