import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import {
  type CausewayClient,
  type CausewayEvent,
  type Cursors,
  createClient,
  fileCursors,
} from './client.ts';

/** A gateway that has `count` events and answers as it is told. */
type Answering = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

let url: string;
let client: CausewayClient;
let count = 0;
let answering: Answering;
let renewals = 0;
const asked: string[] = [];

const server = createServer(async (request, response) => {
  asked.push(String(request.url));
  if (await answering(request, response)) return;
  const query = new URL(String(request.url), 'http://gateway').searchParams;
  const from = Number(query.get('after') ?? 0);
  const events = Array.from({ length: Math.min(2, count - from) }, (_, index) => ({
    id: `event-${from + index}`,
    position: `0-${from + index}`,
  }));
  if (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  response.end(JSON.stringify({ events, next: String(from + events.length) }));
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  count = 5;
  renewals = 0;
  asked.length = 0;
  answering = () => false;
  client = createClient({
    gateway: `${url}/`,
    token: ({ renew }) => {
      if (renew) renewals += 1;
      return `token-${renewals}`;
    },
  });
});

const ending = new Set<AbortController>();
afterEach(() => {
  for (const one of ending) one.abort();
  ending.clear();
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const inMemory = (): Cursors & { value: string | undefined } => ({
  value: undefined,
  async load() {
    return this.value;
  },
  async save(cursor) {
    this.value = cursor;
  },
});

/** Reads so many events, then breaks off. */
const take = async (cursors: Cursors, wanted: number, more: object = {}): Promise<string[]> => {
  const ids: string[] = [];
  for await (const event of client.events({ cursors, ...more })) {
    ids.push(event.id);
    if (ids.length === wanted) break;
  }
  return ids;
};

test('events come page by page, and a reader that breaks off gets the page that he had not finished once more', async () => {
  const cursors = inMemory();
  assert.deepEqual(await take(cursors, 3), ['event-0', 'event-1', 'event-2']);
  assert.equal(cursors.value, '2');
  assert.deepEqual(await take(cursors, 3), ['event-2', 'event-3', 'event-4']);
});

test('a cursor in a file survives, and filters go to the gateway', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-client-'));
  try {
    const cursors = fileCursors(join(folder, 'cursor'));
    assert.equal(await cursors.load(), undefined);
    await take(cursors, 4, { type: 'uk.causeway.nhs.x.y.v1', from: new Date(0), limit: 2 });
    assert.equal(await fileCursors(join(folder, 'cursor')).load(), '2');
    assert.match(
      asked[0] ?? '',
      /from=1970-01-01T00%3A00%3A00.000Z&type=uk.causeway.nhs.x.y.v1&limit=2&wait=30$/,
    );
    assert.match(asked[1] ?? '', /after=2&type=/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('outages are waited for as Retry-After says, and a broken answer is asked for again', async () => {
  let failures = 3;
  answering = (_request, response) => {
    failures -= 1;
    if (failures === 2) response.writeHead(503, { 'retry-after': '0' }).end('{}');
    else if (failures === 1) response.writeHead(429, { 'retry-after': '0' }).end();
    else return false;
    return true;
  };
  assert.equal((await take(inMemory(), 5)).length, 5);
});

test('a token that has run out is renewed once; one that is never accepted is an error', async () => {
  answering = ({ headers }, response) => {
    if (headers.authorization === 'Bearer token-1') return false;
    response.writeHead(401).end(JSON.stringify({ type: 'urn:causeway:problem:invalid-token', title: 'No' }));
    return true;
  };
  assert.equal((await take(inMemory(), 5)).length, 5);
  assert.equal(renewals, 1);
  answering = (_request, response) => {
    response.writeHead(401).end(JSON.stringify({ type: 'urn:causeway:problem:invalid-token', title: 'No' }));
    return true;
  };
  await assert.rejects(take(inMemory(), 1), {
    name: 'CausewayError',
    status: 401,
    type: 'urn:causeway:problem:invalid-token',
  });
});

test('where events were deleted unread the reader is told, and goes on behind the gap only if he says so', async () => {
  answering = ({ url: path }, response) => {
    if (!path?.includes('after=1&')) return false;
    response
      .writeHead(410)
      .end(JSON.stringify({ type: 'urn:causeway:problem:events-missed', title: 'Gone', oldest: '3' }));
    return true;
  };
  const cursors = inMemory();
  cursors.value = '1';
  await assert.rejects(take(cursors, 1), { status: 410 });
  let missed = 0;
  assert.deepEqual(
    await take(cursors, 2, {
      missed: () => {
        missed += 1;
      },
    }),
    ['event-3', 'event-4'],
  );
  assert.equal(missed, 1);
});

test('an aborted signal ends the iteration without an error', async () => {
  count = 1;
  const ended = new AbortController();
  ending.add(ended);
  const seen: string[] = [];
  for await (const event of client.events({ cursors: inMemory(), signal: ended.signal })) {
    seen.push(event.id);
    setTimeout(() => ended.abort(), 50);
  }
  assert.deepEqual(seen, ['event-0']);
});

test('an acknowledgement names the position of the event', async () => {
  let body: unknown;
  answering = async (request, response) => {
    // What the reader before had asked for when he ended may come late.
    if (request.method !== 'POST') return false;
    body = JSON.parse(await text(request));
    response.writeHead(202).end('{"id":"event-0"}');
    return true;
  };
  const event: Pick<CausewayEvent, 'id' | 'position'> = { id: 'event-0', position: '0-0' };
  await client.acknowledge(event, { state: 'accepted', team: 'Front door' });
  assert.deepEqual(body, { position: '0-0', state: 'accepted', team: 'Front door' });
  assert.ok(asked.includes('/v1/events/event-0/acknowledgements'));
});
