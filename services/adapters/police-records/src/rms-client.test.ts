import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { createRmsClient, type RmsAnswer } from './rms-client.ts';
import { outcomeOf } from './sink.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

let close: () => Promise<void> = async () => {};
afterEach(() => close());

/** Longer than a busy machine takes to answer. */
const PATIENT_MS = 10_000;

/** A client of a server that answers as the test says; tokens are given out by number. */
const clientOf = async (answer: Answering, token?: Answering, answerMs = PATIENT_MS) => {
  let given = 0;
  const give = (response: ServerResponse) => {
    given += 1;
    response.end(JSON.stringify({ access_token: `token-${given}`, expires_in: 3_600 }));
  };
  const server = createServer((request, response) => {
    if (request.url !== '/oauth2/token') answer(request, response);
    else if (token !== undefined) token(request, response);
    else give(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createRmsClient({
    url,
    tokenUrl: `${url}/oauth2/token`,
    clientId: 'causeway',
    clientSecret: 'a secret',
    answerMs,
  });
  const post = () =>
    client.request({
      method: 'POST',
      path: '/tasks',
      body: {},
      idempotencyKey: 'one',
      signal: new AbortController().signal,
    });
  return { post, given: () => given };
};

const answering =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (_, response) =>
    void response.writeHead(status, headers).end('{}');

test('one token serves many requests, and a new one is asked for when it is not taken any more', async () => {
  const seen: (string | undefined)[] = [];
  const { post, given } = await clientOf((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(seen.length === 3 ? 401 : 201).end('{"id":"T-1"}');
  });
  const answers = [await post(), await post(), await post()];
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['done', 'done', 'done'],
  );
  assert.deepEqual(seen, ['Bearer token-1', 'Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  assert.equal(given(), 2);
});

test('a system that takes no token is in trouble: it is tried again later and not asked for ever', async () => {
  const { post, given } = await clientOf(answering(401));
  assert.deepEqual(await post(), { kind: 'later', code: 'unauthorised', status: 401 });
  assert.equal(given(), 2);
  await close();
  const refusing = await clientOf(answering(201), answering(401));
  assert.equal((await refusing.post()).kind, 'later');
});

test('each status has its meaning', async () => {
  const meanings: [number, Record<string, string>, string, number?][] = [
    [200, {}, 'delivered'],
    [201, {}, 'delivered'],
    [400, {}, 'refused'],
    [403, {}, 'refused'],
    [404, {}, 'refused'],
    [409, {}, 'refused'],
    [422, {}, 'refused'],
    [302, { location: '/elsewhere' }, 'retry'],
    [408, {}, 'retry'],
    [429, { 'retry-after': '7' }, 'retry', 7_000],
    [500, {}, 'retry'],
    [503, { 'retry-after': '999999999' }, 'retry', 3_600_000],
    [503, { 'retry-after': 'soon' }, 'retry'],
  ];
  for (const [status, headers, outcome, afterMs] of meanings) {
    const { post } = await clientOf(answering(status, headers));
    const found = outcomeOf(await post());
    assert.equal(found.outcome, outcome, String(status));
    assert.equal('afterMs' in found ? found.afterMs : undefined, afterMs, String(status));
    if (found.outcome === 'refused') assert.deepEqual(found.acknowledgement, { state: 'unable' });
    await close();
  }
});

test('no answer is told from nothing sent', async () => {
  const { post } = await clientOf(() => undefined, undefined, 300);
  assert.deepEqual(await post(), { kind: 'no-answer' } satisfies RmsAnswer);
  await close();
  assert.deepEqual(await post(), { kind: 'unreachable' } satisfies RmsAnswer);
  close = async () => {};
});
