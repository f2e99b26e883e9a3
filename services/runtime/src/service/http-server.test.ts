import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import express from 'express';
import { PermanentError, RetryableError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { listen, notFound, Problem, problemHandler } from './http-server.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** An application whose route throws what the test gives it. */
async function serveThrowing(t: TestContext, error: unknown): Promise<{ url: string; logged: string[] }> {
  const logged: string[] = [];
  const log = createLogger('test', 'debug', { write: (line) => void logged.push(line) });
  const app = express();
  app.use(express.json({ limit: 100 }));
  app.all('/things/:id', async () => {
    throw error;
  });
  app.use(notFound(), problemHandler(log));
  const { url, close } = await listen(app, LOOPBACK);
  t.after(close);
  return { url, logged };
}

async function answerOf(response: Response) {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

test('a problem is answered with type, title, status, detail, extras and headers', async (t) => {
  const problem = new Problem(
    410,
    'gone',
    'Gone',
    'Start again.',
    { oldest: 'abc', status: 1 },
    { 'x-hint': 'yes' },
  );
  const { url } = await serveThrowing(t, problem);
  const { status, headers, body } = await answerOf(await fetch(`${url}/things/1`));
  assert.equal(status, 410);
  assert.equal(headers.get('x-hint'), 'yes');
  assert.deepEqual(body, {
    type: 'urn:causeway:problem:gone',
    title: 'Gone',
    status: 410,
    detail: 'Start again.',
    oldest: 'abc',
  });
});

for (const [what, error, status, slug] of [
  ['an unexpected error', new TypeError('SECRET internals'), 500, 'internal-error'],
  ['a permanent error', new PermanentError('undecodable', 'SECRET internals'), 500, 'internal-error'],
  ['a retryable error', new RetryableError('kafka-unavailable', 'SECRET internals'), 503, 'unavailable'],
  ['something that is no error', 'SECRET internals', 500, 'internal-error'],
  [
    'an error that claims a server status',
    Object.assign(new Error('SECRET'), { status: 502 }),
    500,
    'internal-error',
  ],
] as const) {
  test(`${what} leaks nothing and can be found in the log by its instance`, async (t) => {
    const { url, logged } = await serveThrowing(t, error);
    const response = await fetch(`${url}/things/9000000009?q=9000000009`);
    const answer = await answerOf(response);
    assert.equal(answer.status, status);
    assert.equal(answer.body.type, `urn:causeway:problem:${slug}`);
    assert.doesNotMatch(JSON.stringify(answer.body), /SECRET|stack|\.ts/);
    assert.equal(answer.headers.get('retry-after'), status === 503 ? '5' : null);
    assert.equal(logged.length, 1);
    assert.ok(logged[0]?.includes(String(answer.body.instance)));
    assert.doesNotMatch(logged[0] ?? '', /9000000009/);
  });
}

test('errors of body parsers and paths are the caller’s and quote nothing of the request', async (t) => {
  const { url } = await serveThrowing(t, new Error('not reached'));
  const post = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const cases: [RequestInit, string, number, string][] = [
    [post('{"person": SECRET'), '/things/1', 400, 'bad-request'],
    [post(JSON.stringify({ text: 'SECRET'.repeat(100) })), '/things/1', 413, 'too-large'],
    [
      { ...post('{}'), headers: { 'content-type': 'application/json; charset=nonsense' } },
      '/things/1',
      415,
      'unsupported-media-type',
    ],
    [{}, '/things/%E0%A4%A', 400, 'bad-request'],
    [{}, '/nothing', 404, 'not-found'],
  ];
  for (const [init, path, status, slug] of cases) {
    const { status: actual, body } = await answerOf(await fetch(url + path, init));
    assert.deepEqual([actual, body.type], [status, `urn:causeway:problem:${slug}`]);
    assert.doesNotMatch(JSON.stringify(body), /SECRET|JSON/);
  }
});

test('a failure after the answer has begun ends the connection instead of completing it', async (t) => {
  const app = express();
  app.get('/', (_request, response) => {
    response.write('half');
    throw new Error('late');
  });
  app.use(problemHandler(createLogger('test', 'silent')));
  const { url, close } = await listen(app, LOOPBACK);
  t.after(close);
  await assert.rejects(async () => (await fetch(url)).text());
});

test('a port that is taken is said so in one sentence', async (t) => {
  const first = await listen(() => undefined, LOOPBACK);
  t.after(first.close);
  await assert.rejects(
    listen(() => undefined, { host: '127.0.0.1', port: first.port }),
    {
      code: 'port-in-use',
      message: `port ${first.port} on 127.0.0.1 is in use by another program; stop it or choose another port`,
    },
  );
});

test('closing lets the running request finish and does not wait for idle keep-alive connections', async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const listening = await listen(async (request, response) => {
    if (request.url === '/slow') {
      asked.resolve();
      await gate.promise;
    }
    response.end('done');
  }, LOOPBACK);
  const agent = new Agent({ keepAlive: true });
  const request = async (path: string): Promise<IncomingMessage> => {
    const [response] = await once(get(listening.url + path, { agent }), 'response');
    return response;
  };
  const idle = await request('/');
  idle.resume();
  await once(idle, 'end');
  const slow = request('/slow');
  await asked.promise;

  const begun = performance.now();
  const closed = Promise.all([listening.close(), listening.close()]);
  gate.resolve();
  const answer = await slow;
  assert.equal(answer.statusCode, 200);
  answer.resume();
  await closed;
  assert.ok(performance.now() - begun < 2_000, 'the keep-alive time-out was not waited for');
  agent.destroy();
});

test('what is still open at the end of the draining time is cut', async () => {
  const asked = Promise.withResolvers<void>();
  const listening = await listen(() => asked.resolve(), { ...LOOPBACK, drainMs: 50 });
  const never = assert.rejects(fetch(listening.url));
  await asked.promise;
  await listening.close();
  await never;
});

test('a connection on which nothing was ever said does not hold up the close', async () => {
  const server = await listen((_request, response) => response.end(), { host: '127.0.0.1', port: 0 });
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  await (await fetch(server.url)).text();
  const begun = performance.now();
  await server.close();
  assert.ok(performance.now() - begun < 2_000);
  socket.destroy();
});

/** What a server says to these bytes, and whether it ended the connection afterwards. */
async function saidTo(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  let said = '';
  socket.on('data', (part) => {
    said += part;
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return said;
}

test('what cannot be read as a request at all is a problem too, and ends its connection', async (t) => {
  const { url } = await serveThrowing(t, new Error('not reached'));
  const cases: [string, string, string][] = [
    ['nonsense\r\n\r\n', '400 Bad Request', 'bad-request'],
    [
      'GET /things/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      '400 Bad Request',
      'bad-request',
    ],
    [
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'headers-too-large',
    ],
  ];
  for (const [bytes, status, slug] of cases) {
    const [head = '', body = ''] = (await saidTo(url, bytes)).split('\r\n\r\n');
    assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
    assert.match(head, /\r\ncontent-type: application\/problem\+json\r\n/);
    assert.equal((JSON.parse(body) as { type: string }).type, `urn:causeway:problem:${slug}`);
  }
});

test('nonsense behind a request that is still being answered does not get into its answer', async (t) => {
  const { url, close } = await listen((request, response) => {
    if (request.url !== '/slow') return response.end();
    response.write('begun');
    setTimeout(() => response.end('ended'), 50);
  }, LOOPBACK);
  t.after(close);
  const said = await saidTo(url, 'GET /slow HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n');
  assert.doesNotMatch(said, /problem/);
});
