import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createPoster } from './post.ts';

const TIME_OUT_MS = 300;

const ask = async (answer: (response: ServerResponse) => void) => {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const poster = createPoster({ timeoutMs: TIME_OUT_MS });
  const target = { url: new URL(`http://hooks.example.org:${port}/a?b=c`), address: '127.0.0.1' };
  const said = await poster.post(target, {}, Buffer.from('{}'), new AbortController().signal);
  poster.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return said;
};

test('an endpoint that never answers, or trickles its answer, is given up after the time-out', async () => {
  const trickling = new Set<NodeJS.Timeout>();
  const answers = [
    await ask(() => {}),
    await ask((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      trickling.add(setInterval(() => response.write('a'), 20));
    }),
  ];
  for (const timer of trickling) clearInterval(timer);
  for (const answer of answers) {
    assert.equal('code' in answer && answer.code, 'time-out');
    assert.ok(
      answer.durationMs >= TIME_OUT_MS - 10 && answer.durationMs < 5 * TIME_OUT_MS,
      String(answer.durationMs),
    );
  }
});

test('an endpoint that closes in the middle of its answer has not answered', async () => {
  const answer = await ask((response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  });
  assert.ok('code' in answer && answer.code !== 'time-out');
});

test('of an endless answer no more than a few kB are read', async () => {
  const answer = await ask((response) => {
    response.writeHead(200);
    const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536, 'a'), more));
    more();
  });
  assert.equal('status' in answer && answer.status, 200);
  assert.equal('text' in answer && answer.text.length, 4_096);
});

test('the name goes into the Host line and the connection to the address', async () => {
  let host: string | undefined;
  const answer = await ask((response) => {
    host = response.req.headers.host;
    response.end(response.req.url);
  });
  assert.match(String(host), /^hooks\.example\.org:\d+$/);
  assert.equal('text' in answer && answer.text.toString(), '/a?b=c');
});

test('nobody there is a word and not an exception', async () => {
  const poster = createPoster({ timeoutMs: TIME_OUT_MS });
  const target = { url: new URL('http://127.0.0.1:1/'), address: '127.0.0.1' };
  const answer = await poster.post(target, {}, Buffer.from('{}'), new AbortController().signal);
  poster.close();
  assert.equal('code' in answer && answer.code, 'econnrefused');
});
