import type { FeedbackParts } from '@causeway/runtime/feedback/feedback';
import { type OverdueParts, type OverdueWatch, watchOverdue } from '@causeway/runtime/feedback/overdue-watch';

/**
 * Overdue events of every organisation that fetches its events here: one watch each, shared by the instances of the gateway.
 * An organisation whose adapter delivers to it is watched by that adapter.
 */
export type Watches = {
  of(organisation: string): OverdueWatch | undefined;
  close(): Promise<void>;
};

const LOOK_MS = 2_000;

export const createWatches = (
  parts: Omit<OverdueParts, 'feedback'>,
  feedback: (organisation: string) => FeedbackParts,
  organisations: () => readonly string[],
): Watches => {
  const watches = new Map<string, OverdueWatch>();
  const look = () => {
    const wanted = new Set(organisations());
    for (const id of wanted)
      if (!watches.has(id)) watches.set(id, watchOverdue({ ...parts, feedback: feedback(id) }));
    for (const [id, watch] of watches) {
      if (wanted.has(id)) continue;
      watches.delete(id);
      void watch.close();
    }
  };
  look();
  const looking = setInterval(look, LOOK_MS).unref();
  return {
    of: (organisation) => {
      // Of an organisation that has just joined: what it is handed before the next look must be noted as well.
      if (!watches.has(organisation)) look();
      return watches.get(organisation);
    },
    close: async () => {
      clearInterval(looking);
      await Promise.all([...watches.values()].map((watch) => watch.close()));
    },
  };
};
