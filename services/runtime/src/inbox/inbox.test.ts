import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { testKafka } from '@causeway/testing/bus';
import type { Admin, Kafka } from '../kafka/connect.ts';
import { createLogger } from '../telemetry/log.ts';
import { createInboxes, type Inbox, type Inboxes } from './inbox.ts';

let kafka: Kafka;
let admin: Admin;
let inboxes: Inboxes;
let fetches: number[] = [];

before(async () => {
  kafka = testKafka();
  admin = await kafka.admin();
  inboxes = createInboxes(counting(kafka), createLogger('test', 'silent'));
});

beforeEach(() => {
  fetches = [];
});

after(async () => {
  await inboxes?.close();
  await kafka?.close();
});

/** Notes of each fetch how many records it brought. */
const counting = (real: Kafka): Kafka => ({
  ...real,
  reader: () => {
    const reader = real.reader();
    return {
      ...reader,
      fetch: async (...asked) => {
        const found = await reader.fetch(...asked);
        fetches.push(found.reduce((sum, { records }) => sum + records.length, 0));
        return found;
      },
    };
  },
});

const PARTITIONS = 2;

const createInbox = async () => {
  const organisation = `test-${randomBytes(6).toString('hex')}`;
  const topic = `inbox.${organisation}`;
  await admin.createTopics([{ topic, partitions: PARTITIONS, replicationFactor: 1, config: {} }]);
  const writer = await kafka.writer(`test-${organisation}`, { visible: true });
  const write = (values: readonly string[], partition = 0, beforeCommit?: () => void) =>
    writer.write(
      values.map((value) => ({ topic, partition, key: 'k', value: Buffer.from(value) })),
      beforeCommit,
    );
  return { write, use: <T>(task: (inbox: Inbox) => Promise<T>) => inboxes.use(organisation, task) };
};

const LONG = 'x'.repeat(600);
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index} ${LONG}`);
const textOf = (value: Buffer | null) => String(value).replace(LONG, '').trim();

/** Reads one partition to its end as a reader of pages does. */
const readAll = async (inbox: Inbox, wanted: number) => {
  const pages: string[][] = [];
  for (let offset = 0; ; ) {
    const [part] = await inbox.read([{ partition: 0, offset }], wanted);
    if (part === undefined || part.next === offset) return pages;
    const page = part.records.slice(0, wanted);
    const last = page.length < part.records.length ? page.at(-1) : undefined;
    if (page.length > 0) pages.push(page.map(({ value }) => textOf(value)));
    offset = last === undefined ? part.next : last.offset + 1;
  }
};

test('pages of any size bring every record once and in order, are full as long as there are more, and hardly anything is fetched twice', async () => {
  const { write, use } = await createInbox();
  const all = numbered(1_500);
  for (let at = 0; at < all.length; at += 300) await write(all.slice(at, at + 300));
  for (const wanted of [1, 40, 400, 1_000, 5_000]) {
    fetches = [];
    const pages = await use((inbox) => readAll(inbox, wanted));
    assert.deepEqual(
      pages.flat(),
      all.map((_, index) => String(index)),
      `pages of ${wanted}`,
    );
    // The first look brings what one answer holds.
    if (wanted < 1_000) assert.ok(pages.slice(1, -1).every(({ length }) => length === wanted));
    const fetched = fetches.reduce((sum, count) => sum + count, 0);
    assert.ok(fetched <= 1.5 * all.length, `${fetched} records were fetched for pages of ${wanted}`);
  }
});

test('what comes in while readers wait at the end reaches all of them with one fetch, and they hear where it lies', async () => {
  const { write, use } = await createInbox();
  await write(['first']);
  await use(async (inbox) => {
    const ends = await inbox.ends();
    const signal = AbortSignal.timeout(10_000);
    const waiting = Promise.all([1, 2, 3].map(() => inbox.beyond(ends, signal)));
    fetches = [];
    await write(['second'], 1);
    for (const known of await waiting) {
      assert.equal(known[0], ends[0]);
      const found = await inbox.read([{ partition: 1, offset: ends[1] ?? 0 }], 100);
      assert.deepEqual(
        found.map(({ records }) => records.map(({ value }) => textOf(value))),
        [['second']],
      );
      assert.equal(found[0]?.next, known[1]);
    }
    assert.equal(fetches.filter((count) => count > 0).length, 1);
  });
});

/** How often and how far the writer of the next test goes; more of it looks harder. */
const ROUNDS = Number(process.env.INBOX_ROUNDS ?? 60);

/** Reads pages of changing size, pauses, waits at the ends, until told that nothing more comes; gives what came, per partition. */
const readAsItComes = async (inbox: Inbox, isOver: () => boolean, random: (most: number) => number) => {
  const got = Array.from({ length: PARTITIONS }, (): string[] => []);
  const offsets = Array.from({ length: PARTITIONS }, () => 0);
  const isWhole = async () => isOver() && (await inbox.ends()).every((end, at) => end === offsets[at]);
  while (!(await isWhole())) {
    const wanted = random(40);
    const parts = await inbox.read(
      offsets.map((offset, partition) => ({ partition, offset })),
      wanted,
    );
    for (const { partition, records, next } of parts) {
      const page = records.slice(0, wanted);
      const last = page.length < records.length ? page.at(-1) : undefined;
      got[partition]?.push(...page.map(({ value }) => textOf(value)));
      offsets[partition] = last === undefined ? next : last.offset + 1;
    }
    if (random(4) === 1) await delay(random(30));
    else await inbox.beyond(offsets, AbortSignal.timeout(random(200)));
  }
  return got;
};

test('readers of every pace, who read and wait as they like, each get what is committed once and in order', async (t) => {
  let seed = Number(process.env.INBOX_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`INBOX_SEED=${seed}`);
  const random = (most: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return 1 + Math.floor((seed / 2 ** 32) * most);
  };
  const { write, use } = await createInbox();
  const committed = Array.from({ length: PARTITIONS }, (): string[] => []);
  let over = false;
  const reading = use((inbox) =>
    Promise.all([1, 2, 3, 4].map(() => readAsItComes(inbox, () => over, random))),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    const partition = random(PARTITIONS) - 1;
    const values = Array.from({ length: random(30) }, (_, index) => `${round}.${index}`);
    const isAborted = random(4) === 1;
    const abort = () => {
      throw new Error('on purpose');
    };
    await write(values, partition, isAborted ? abort : undefined).catch((error) => {
      if (!isAborted) throw error;
    });
    if (!isAborted) committed[partition]?.push(...values);
    if (random(3) === 1) await delay(random(40));
  }
  over = true;
  for (const got of await reading) assert.deepEqual(got, committed);
});
