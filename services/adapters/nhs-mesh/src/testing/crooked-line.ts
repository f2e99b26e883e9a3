/** What lies between an adapter and MESH, and can do what networks and servers do. */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `hold` passes the request on and never answers; `cut` answers half; `lose` swallows the request. */
export type Trouble = 'none' | 'hold' | 'cut' | 'lose' | number;
export type Request = { method: string; path: string };

export type CrookedLine = {
  url: string;
  /** Asked for every request; `none` by default. */
  decide: (request: Request) => Trouble;
  close(): Promise<void>;
};

export const startCrookedLine = async (to: string): Promise<CrookedLine> => {
  const line: CrookedLine = { url: '', decide: () => 'none', close: async () => undefined };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const trouble = line.decide({ method: request.method ?? '', path: request.url ?? '' });
    if (typeof trouble === 'number') return void response.writeHead(trouble).end();
    if (trouble === 'lose') return;
    const onward = forward(to + request.url, { method: request.method ?? 'GET', headers: request.headers });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
    const [received] = (await once(onward, 'response')) as [IncomingMessage];
    if (trouble === 'hold') return void received.resume();
    response.writeHead(received.statusCode ?? 500, received.headers);
    if (trouble === 'none') return void received.pipe(response);
    const [first = Buffer.alloc(0)] = await once(received, 'data');
    received.destroy();
    response.write(first.subarray(0, first.length / 2), () => response.destroy());
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  line.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  line.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return line;
};
