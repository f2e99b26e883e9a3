import { EXCHANGE_GROUP, topicsOf } from '@causeway/runtime/bus/topics';
import { errorCode } from '@causeway/runtime/errors';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { PartitionState } from './recover.ts';

const COMMIT_EVERY_MS = 500;

/**
 * Commits how far each outbox is decided, for standard tools and the console. A failure costs nothing, because no position is ever read
 * from there.
 */
export const createOffsetDisplay = (kafka: Pick<Kafka, 'commitOffsets'>, lane: number, log: Logger) => {
  const committed = new Map<string, number>();
  let lastCommit = 0;
  /** One at a time: an earlier one that is tried again must not come after a later one. */
  let showing = false;

  return (states: Iterable<PartitionState>): void => {
    if (showing || Date.now() - lastCommit < COMMIT_EVERY_MS) return;
    // Nothing is shown before the first ledger record: a committed offset beside an empty ledger means a lost one.
    const moved = [...states]
      .filter(({ organisation, next, sequence }) => sequence > 0 && committed.get(organisation) !== next)
      .map(({ organisation, next }) => ({ organisation, next }));
    if (moved.length === 0) return;
    lastCommit = Date.now();
    showing = true;
    const shown = moved.map(({ organisation, next }) => ({
      topic: topicsOf(organisation).outbox,
      partition: lane,
      offset: next,
    }));
    kafka
      .commitOffsets(EXCHANGE_GROUP, shown)
      .then(() => {
        for (const { organisation, next } of moved) committed.set(organisation, next);
      })
      .catch((error) => {
        log.debug({ lane, code: errorCode(error) }, 'Positions could not be shown to standard tools');
      })
      .finally(() => {
        showing = false;
      });
  };
};
