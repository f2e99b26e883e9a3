/** Messages that were kept as dead letters, once more through the intake. */

import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Intake } from './intake.ts';

/** Only whole messages can become anything. The workflow they came under was judged when they came. */
export const createRedrive =
  (intake: Intake) =>
  async ({ value, headers }: FetchedRecord): Promise<Redriven> => {
    if (value === null || headers['dl-length'] !== undefined)
      return { outcome: 'refused', code: 'not-whole' };
    const contentType = headers['content-type']?.toString('utf8') ?? 'application/octet-stream';
    const { outcome, reason } = await intake.judgeBytes(value, contentType).settle();
    if (outcome === 'dead-lettered') return { outcome: 'refused', code: reason };
    const code = reason === 'none' ? 'ok' : reason;
    return { outcome: outcome === 'ignored' ? 'not-shared' : outcome, code };
  };
