import { createFlushInterval } from './flush-interval.ts';

/**
 * Gathers what is asked while the last call is under way into the next one, in the order in which it was asked: many
 * callers at once cost one round trip. Each call fails or succeeds for all whose items are in it.
 * @param most items of one call
 * @param ms how long to wait for others before each call, milliseconds; by default one turn of the event loop
 */
export const batched = <T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  most: number,
  ms = 0,
): ((items: readonly T[]) => Promise<R[]>) => {
  type Waiting = { items: readonly T[]; resolve(results: R[]): void; reject(error: unknown): void };
  const queue: Waiting[] = [];
  const beat = createFlushInterval(ms);
  let running = false;

  const next = (): Waiting[] => {
    const group: Waiting[] = [];
    for (let count = 0; queue[0] && (count === 0 || count + queue[0].items.length <= most); ) {
      const waiting = queue.shift() as Waiting;
      count += waiting.items.length;
      group.push(waiting);
    }
    return group;
  };

  const work = async () => {
    running = true;
    while (queue.length > 0) {
      await beat();
      const group = next();
      try {
        const results = await run(group.flatMap(({ items }) => items));
        let at = 0;
        for (const { items, resolve } of group) {
          resolve(results.slice(at, at + items.length));
          at += items.length;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    running = false;
  };

  return (items) =>
    new Promise((resolve, reject) => {
      queue.push({ items, resolve, reject });
      if (!running) void work();
    });
};
