/**
 * Gathers what is asked for while an earlier batch is under way, so that a hundred requests at one time are one statement. `run` gives a
 * result for each, in their order. All of a batch, of `most` at most, succeeds or fails together.
 */
export const createBatcher = <In, Out>(
  run: (items: readonly In[]) => Promise<readonly Out[]>,
  most = 200,
): ((item: In) => Promise<Out>) => {
  type Waiting = { item: In; resolve(out: Out): void; reject(error: unknown): void };
  const queue: Waiting[] = [];
  let isWorking = false;

  const work = async (): Promise<void> => {
    // One turn of the event loop, so that requests of the same moment share a statement.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const batch = queue.splice(0, most);
      try {
        const results = await run(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Out);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isWorking = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (isWorking) return;
      isWorking = true;
      void work();
    });
};
