import { errorCode } from '@causeway/runtime/errors';
import type { OverdueWatch, Placed } from '@causeway/runtime/feedback/overdue-watch';
import type { Logger } from '@causeway/runtime/telemetry/log';

export type DeliveredNotesParts = {
  watchOf(organisation: string): Pick<OverdueWatch, 'delivered'> | undefined;
  log: Logger;
};

const NOTE_MS = 100;

/** Tells the watches of overdue events what was delivered, many at a time. */
export const createDeliveredNotes = ({ watchOf, log }: DeliveredNotesParts) => {
  let waiting = new Map<string, Placed[]>();
  let timer: NodeJS.Timeout | undefined;
  const flush = async (): Promise<void> => {
    timer = undefined;
    const batches = waiting;
    waiting = new Map();
    for (const [organisation, placed] of batches)
      await watchOf(organisation)
        ?.delivered(placed)
        .catch((error) =>
          log.warn(
            { event: 'delivery.not_recorded', organisation, code: errorCode(error) },
            'deliveries not recorded',
          ),
        );
  };
  return {
    note(organisation: string, placed: Placed) {
      const batch = waiting.get(organisation) ?? [];
      waiting.set(organisation, batch);
      batch.push(placed);
      timer ??= setTimeout(() => void flush(), NOTE_MS).unref();
    },
    async close() {
      clearTimeout(timer);
      await flush();
    },
  };
};
