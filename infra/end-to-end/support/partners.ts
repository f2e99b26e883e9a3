import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './command.ts';
import { type Instance, ORGANISATIONS } from './exchanges.ts';

export type Arrived = { id: string; source: string; subject: string };

/** Every organisation as a reader of its own inbox over HTTP. */
export type Partners = {
  /** What an organisation has read, in that order. */
  arrived(organisation: string): readonly Arrived[];
  /** When each recipient had the event, by this process's clock. */
  arrivals(id: string): readonly number[];
  /** Resolves when so many were read by all together. */
  until(count: number, withinMs: number): Promise<void>;
  stop(): Promise<void>;
};

const WAIT_SECONDS = 5;

/** Each reads a page from one gateway and the next from another; an answer that did not come is asked for again with the same cursor. */
export const startPartners = async (command: Command, gateways: readonly Instance[]): Promise<Partners> => {
  const read = new Map(ORGANISATIONS.map((id): [string, Arrived[]] => [id, []]));
  const times = new Map<string, number[]>();
  const stopping = new AbortController();
  const total = () => [...read.values()].reduce((sum, { length }) => sum + length, 0);

  const follow = async (organisation: string, token: string) => {
    let after = '';
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const gateway = gateways[turn % gateways.length]?.url;
      const query = `limit=500&wait=${WAIT_SECONDS}${after ? `&after=${encodeURIComponent(after)}` : ''}`;
      const page = await fetch(`${gateway}/v1/events?${query}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(3 * WAIT_SECONDS * 1_000)]),
      })
        .then(async (answer) => {
          if (answer.ok) return (await answer.json()) as { events: Arrived[]; next: string };
          const body = await answer.text();
          // Whoever cannot answer now says so; anything else is a fault.
          assert.equal(answer.status, 503, body);
          return null;
        })
        .catch((error) => {
          if (error instanceof assert.AssertionError) throw error;
          return null;
        });
      if (!page) {
        await delay(100, undefined, { signal: stopping.signal }).catch(() => {});
        continue;
      }
      const now = performance.now();
      for (const { id, source, subject } of page.events) {
        read.get(organisation)?.push({ id, source, subject });
        times.set(id, [...(times.get(id) ?? []), now]);
      }
      after = page.next;
    }
  };

  const readers: Promise<void>[] = [];
  let failure: unknown;
  for (const organisation of ORGANISATIONS) {
    const { code, output } = await command('dev/token.ts', organisation);
    assert.equal(code, 0, output);
    readers.push(
      follow(organisation, output.trim()).catch((error) => {
        failure ??= error;
      }),
    );
  }
  return {
    arrived: (organisation) => read.get(organisation) ?? [],
    arrivals: (id) => times.get(id) ?? [],
    until: async (count, withinMs) => {
      const deadline = Date.now() + withinMs;
      while (total() < count) {
        if (failure) throw failure;
        if (Date.now() > deadline) throw new Error(`${total()} of ${count} events arrived in time`);
        await delay(100);
      }
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(readers);
      if (failure) throw failure;
    },
  };
};
