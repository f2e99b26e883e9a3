/** Documents that the source side kept as dead letters, once more on the way that every document goes. */

import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Intake, IntakeOutcome } from './intake.ts';

const REDRIVEN: Partial<Record<IntakeOutcome, Redriven['outcome']>> = {
  published: 'published',
  duplicate: 'duplicate',
  'not-shared': 'not-shared',
  ignored: 'not-shared',
};

/** Of what was cut at its size, or kept without its content, nothing can become an event. */
export const createSourceRedrive =
  (intake: Pick<Intake, 'again'>) =>
  async (letter: FetchedRecord): Promise<Redriven> => {
    if (letter.value === null || letter.headers['dl-length'] !== undefined)
      return { outcome: 'refused', code: 'not-whole' };
    const { outcome, reason } = await intake.again(letter.value);
    return { outcome: REDRIVEN[outcome] ?? 'refused', code: reason === 'none' ? 'ok' : reason };
  };
