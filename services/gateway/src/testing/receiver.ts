import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A partner's endpoint: keeps what it was sent and answers as it is told. */
export type Receiver = {
  url: string;
  /** What was answered with 2xx, in the order of the answers. */
  taken: Delivered[];
  /** Every request, in the order of their coming. */
  asked: Delivered[];
  answer: Answering;
  /** Waits until so many were taken. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
};

export type Delivered = {
  id: string;
  subject: string;
  body: string;
  headers: Record<string, string>;
  at: number;
};
export type Answering = (
  request: Delivered,
  response: ServerResponse,
) => number | undefined | Promise<number | undefined>;

const PATIENCE_MS = 20_000;

/** What `answer` gives is the status; undefined where it has dealt with the response itself. */
export const startReceiver = async (answer: Answering = () => 204): Promise<Receiver> => {
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const body = await read(request).catch(() => '');
    const event = JSON.parse(body) as { id: string; subject?: string };
    const delivered: Delivered = {
      id: event.id,
      subject: event.subject ?? '',
      body,
      headers: request.headers as Record<string, string>,
      at: performance.now(),
    };
    receiver.asked.push(delivered);
    const status = await receiver.answer(delivered, response);
    if (status !== undefined) {
      if (status >= 200 && status <= 299) receiver.taken.push(delivered);
      response.writeHead(status).end();
    }
    for (const check of [...waiting]) check();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    taken: [],
    asked: [],
    answer,
    until: (count) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (receiver.taken.length < count) return;
          clearTimeout(late);
          waiting.delete(check);
          resolve();
        };
        const late = setTimeout(() => {
          waiting.delete(check);
          reject(
            new Error(
              `${receiver.taken.length} of ${count} events were taken, ${receiver.asked.length} requests`,
            ),
          );
        }, PATIENCE_MS);
        waiting.add(check);
        check();
      }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
};

const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
};
