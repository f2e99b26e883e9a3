/** Messages that were kept as dead letters, once more through the intake. */
import { redrivenAs, redriveWhole } from '@causeway/runtime/adapter/intake';
import type { Intake } from './intake.ts';

/** The workflow that a message came under was judged when it came. */
export const createRedrive = (intake: Intake) =>
  redriveWhole(async (raw, { headers }) => {
    const contentType = headers['content-type']?.toString('utf8') ?? 'application/octet-stream';
    return redrivenAs(await intake.judgeBytes(raw, contentType).settle());
  });
