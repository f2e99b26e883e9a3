/**
 * A mailbox that speaks as much of MESH as an adapter asks for, and faster than any: for measurements, because NHS England's sandbox
 * grows slow of what was taken out of it.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type QuickMailbox = {
  url: string;
  /** Puts so many more messages into it; `made` says what the n-th one holds. */
  put(count: number): void;
  waiting(): number;
  close(): Promise<void>;
};

const idOf = (n: number): string => `MESSAGE${String(n).padStart(12, '0')}`;

export const startQuickMailbox = async (
  made: (n: number) => Buffer,
  workflow: string,
): Promise<QuickMailbox> => {
  const waiting = new Set<number>();
  let last = 0;

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://mesh');
    const [, , , , id] = pathname.split('/');
    const n = Number(id?.slice('MESSAGE'.length));
    if (id === undefined && request.method === 'GET') {
      const after = Number(searchParams.get('continue_from') ?? 0);
      const page: number[] = [];
      for (const one of waiting) {
        if (one > after && page.push(one) === 500) break;
      }
      const next = page.length < 500 ? {} : { next: `${pathname}?continue_from=${page.at(-1)}` };
      const list = { messages: page.map(idOf), links: next, approx_inbox_count: waiting.size };
      return void response.end(JSON.stringify(list));
    }
    if (request.method === 'PUT') waiting.delete(n);
    if (request.method !== 'GET') return void response.end();
    const headers = {
      'mex-workflowid': workflow,
      'mex-messagetype': 'DATA',
      'content-type': 'application/xml',
    };
    response.writeHead(200, headers).end(made(n));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put(count) {
      for (let n = 1; n <= count; n += 1) waiting.add(last + n);
      last += count;
    },
    waiting: () => waiting.size,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
