import type { Redriven } from '../delivery/redrive-worker.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { PublishOutcome } from '../source/publish.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The outcome of a message of a source system, with a reason that says nothing of its content. */
export type IntakeResult = {
  outcome: Parameters<Metrics['sourceMessages']['inc']>[0]['outcome'];
  reason: string;
};

/** Why a message was not published, or `none`. */
export const reasonOf = (published: PublishOutcome): string =>
  'reason' in published ? published.reason : 'none';

const REDRIVEN: Partial<Record<IntakeResult['outcome'], Redriven['outcome']>> = {
  published: 'published',
  duplicate: 'duplicate',
  'not-shared': 'not-shared',
  ignored: 'not-shared',
};

/** The result of a redrive whose message had that outcome. */
export const redrivenAs = ({ outcome, reason }: IntakeResult): Redriven => ({
  outcome: REDRIVEN[outcome] ?? 'refused',
  code: reason === 'none' ? 'ok' : reason,
});

/**
 * The redrive of what a source side kept as a dead letter: gives `redrive` its bytes. Of what was cut at its size, or kept without its
 * content, nothing can become an event: it is refused.
 */
export const redriveWhole =
  (redrive: (raw: Buffer, letter: FetchedRecord) => Promise<Redriven>) =>
  async (letter: FetchedRecord): Promise<Redriven> =>
    letter.value === null || letter.headers['dl-length'] !== undefined
      ? { outcome: 'refused', code: 'not-whole' }
      : redrive(letter.value, letter);
