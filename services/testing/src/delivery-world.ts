import { randomBytes } from 'node:crypto';
import { encodeHeaders, eventId, type Priority } from '@causeway/runtime/bus/envelope';
import { SINK_CIRCUIT } from '@causeway/runtime/delivery/circuit-breaker';
import { createDelivery, type Delivery, type DeliveryParts } from '@causeway/runtime/delivery/delivery';
import { SINK_SCHEDULE } from '@causeway/runtime/delivery/retry-policy';
import type { Clock, Subscription } from '@causeway/runtime/delivery/subscription';
import type { Inboxes } from '@causeway/runtime/inbox/inbox';
import type {
  FetchedPartition,
  FetchedRecord,
  KafkaRecord,
  Position,
} from '@causeway/runtime/kafka/broker-client';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { type AgreementsState, applyRecord, emptyState } from '@causeway/schemas/agreements/log';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { testToken, testVariable } from './bus.ts';

/**
 * A world for tests of the delivery core: the real database, an inbox and dead letters that are plain lists, and a
 * clock that jumps to whatever is waited for next, so that three days take moments.
 */
export const RECIPIENT = 'recipient-org';
const SOURCE = 'source-org';
export const TEST_TYPE = 'uk.causeway.police.missing-person.reported.v1';

type TestClock = Clock & { pass(ms: number): void; stop(): void };

/** Time stands still while something is under way and jumps when everybody waits. */
const jumpingClock = (start = Date.UTC(2026, 9, 5, 12)): TestClock => {
  let time = start;
  const waiters = new Set<{ at: number; end(): void }>();
  const jump = () => {
    const next = [...waiters].sort((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > start + 400 * 86_400_000) return;
    time = Math.max(time, next.at);
    for (const waiter of [...waiters]) if (waiter.at <= time) waiter.end();
  };
  const ticking = setInterval(jump, 2);
  return {
    now: () => time,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const waiter = {
          at: time + ms,
          end: () => {
            waiters.delete(waiter);
            signal.removeEventListener('abort', waiter.end);
            resolve();
          },
        };
        waiters.add(waiter);
        signal.addEventListener('abort', waiter.end);
      }),
    pass: (ms) => {
      time += ms;
    },
    stop: () => clearInterval(ticking),
  };
};

type TestEvent = {
  person: string;
  partition?: number;
  priority?: Priority;
  type?: string;
  corrects?: string;
  actBy?: string;
};

export type TestWorld = {
  database: Database;
  clock: TestClock;
  inboxes: Pick<Inboxes, 'use'>;
  producer: { send(records: readonly KafkaRecord[]): Promise<Position[]> };
  agreements: { state(): AgreementsState; offset(): number; freshWithin(): boolean };
  /** Puts an event into the inbox; gives its id. */
  arrive(event: TestEvent): string;
  /** Takes everything below that offset out of a partition. */
  retain(partition: number, from: number): void;
  sent: KafkaRecord[];
  deadLetters(): FetchedRecord[];
  deliveries(): {
    kind: string;
    outcome: string;
    code: string;
    event: string;
    attempt: number;
    position: string;
  }[];
  /** The agreement of all events; suspended, nothing may be handed over. */
  agreement: { status: 'active' | 'suspended'; feedback: boolean };
  /** While false, the agreements count as stale. */
  fresh: { value: boolean };
  start(
    subscription: Partial<Subscription> & Pick<Subscription, 'deliver'>,
    parts?: Partial<DeliveryParts>,
  ): Delivery;
  /** As after the death of a holder: all leases have run out. */
  expireLeases(): Promise<void>;
  close(): Promise<void>;
};

export const createTestWorld = async (partitions = 2): Promise<TestWorld> => {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const log = createLogger('test', (process.env.LOG_LEVEL as 'warn') ?? 'silent');
  const database = connectDatabase({ url: testVariable('DATABASE_URL'), schema, log, connections: 6 });
  const clock = jumpingClock();
  const logs: FetchedRecord[][] = Array.from({ length: partitions }, () => []);
  const starts = Array.from({ length: partitions }, () => 0);
  const ends = () => logs.map((records, partition) => (starts[partition] ?? 0) + records.length);
  const letters: FetchedRecord[] = [];
  const sent: KafkaRecord[] = [];
  const agreement: TestWorld['agreement'] = { status: 'active', feedback: true };
  const fresh = { value: true };
  const waiting = new Set<() => void>();
  const open: Delivery[] = [];
  let number = 0;

  const read = (partition: number, offset: number): FetchedPartition => {
    const start = starts[partition] ?? 0;
    const records = logs[partition] ?? [];
    const found = records.slice(Math.max(0, offset - start), Math.max(0, offset - start) + 20);
    const endOffset = start + records.length;
    const outOfRange = offset < start || offset > endOffset;
    const taken = outOfRange ? [] : found;
    return { topic: 'inbox', partition, records: taken, next: offset + taken.length, endOffset, outOfRange };
  };

  const inboxes: Pick<Inboxes, 'use'> = {
    use: (_organisation, task) =>
      task({
        partitions: async () => partitions,
        oldest: async () => [...starts],
        ends: async () => ends(),
        since: async () => [...starts],
        read: async (positions) => positions.map(({ partition, offset }) => read(partition, offset)),
        beyond: (known, signal) =>
          new Promise((resolve) => {
            const end = () => {
              waiting.delete(end);
              signal.removeEventListener('abort', end);
              resolve([]);
            };
            if (signal.aborted || ends().some((at, partition) => at > (known[partition] ?? at)))
              return resolve(ends());
            waiting.add(end);
            signal.addEventListener('abort', end);
          }),
      }),
  };

  const producer = {
    send: async (records: readonly KafkaRecord[]) => {
      sent.push(...records);
      for (const record of records)
        if (record.topic.startsWith('dead-letter.'))
          letters.push({
            offset: letters.length,
            timestamp: clock.now(),
            key: Buffer.from(String(record.key)),
            value: record.value,
            headers: Object.fromEntries(
              Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
            ),
          });
      return [];
    },
  };

  const agreements = {
    state: () => agreementsOf(agreement),
    offset: () => (agreement.status === 'active' ? 2 : 3),
    freshWithin: () => fresh.value,
  };

  return {
    database,
    inboxes,
    producer,
    agreements,
    clock,
    sent,
    agreement,
    fresh,
    arrive({ person, partition, priority, type = TEST_TYPE, corrects, actBy }) {
      number += 1;
      const id = eventId(['world'], Buffer.from(String(number)), 0);
      const subject = testToken(person);
      const at = partition ?? subject.charCodeAt(0) % partitions;
      const headers = encodeHeaders(
        {
          id,
          source: `/${SOURCE}/test`,
          type,
          time: '2026-10-05T12:00:00Z',
          subject,
          tokens: [],
          otherTokens: [],
          recordedTime: undefined,
          sequence: undefined,
          classification: 'OFFICIAL',
          handling: [],
          exclude: [],
          priority,
          actBy,
          correlationId: undefined,
          inResponseTo: undefined,
          corrects,
          replay: false,
          agreement: ['test/1'],
          traceparent: undefined,
        },
        'inbox',
      );
      logs[at]?.push({
        offset: (starts[at] ?? 0) + (logs[at]?.length ?? 0),
        timestamp: clock.now(),
        key: Buffer.from(subject),
        value: Buffer.from([0, 0, 0, 0, 1, number % 256]),
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]),
        ),
      });
      for (const end of [...waiting]) end();
      return id;
    },
    retain(partition, from) {
      logs[partition]?.splice(0, from - (starts[partition] ?? 0));
      starts[partition] = from;
    },
    deadLetters: () => letters,
    deliveries: () =>
      sent
        .filter(({ topic }) => topic.startsWith('deliveries.'))
        .map(({ value }) => JSON.parse(value?.toString('utf8') ?? '')),
    start(subscription, parts = {}) {
      const delivery = createDelivery({
        component: 'test',
        database,
        inboxes,
        reader: () => ({
          fetch: async ([at]) => [
            {
              topic: 'dead-letter',
              partition: 0,
              records: letters.slice(at?.offset, (at?.offset ?? 0) + 1),
              next: 0,
              endOffset: letters.length,
              outOfRange: false,
            },
          ],
          bounds: async () => [],
          atTime: async () => [],
          partitionCount: async () => 1,
          close: async () => {},
        }),
        producer,
        decode: async (value) => ({ data: { number: value?.[5] }, schema: VIEW }),
        agreements,
        log,
        metrics: createMetrics('test'),
        clock,
        ...parts,
      });
      delivery.set({
        id: 'sink',
        organisation: RECIPIENT,
        start: 'oldest',
        concurrency: 1,
        schedule: SINK_SCHEDULE,
        circuit: SINK_CIRCUIT,
        ...subscription,
      });
      open.push(delivery);
      return delivery;
    },
    async expireLeases() {
      await database.query("update delivery_head set lease_until = '-infinity'");
      await database.query('delete from delivery_instance');
    },
    async close() {
      await Promise.all(open.map((delivery) => delivery.close()));
      clock.stop();
      await database.query(`drop schema if exists ${schema} cascade`);
      await database.close();
    },
  };
};

const VIEW: AvroSchema = { type: 'record', name: 'View', fields: [{ name: 'number', type: 'int' }] };

const TYPES = [
  TEST_TYPE,
  'uk.causeway.police.missing-person.voided.v1',
  'uk.causeway.police.another.fact.v1',
];

const agreementsOf = ({ status, feedback }: TestWorld['agreement']): AgreementsState => {
  const common = { id: 'test', version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const agreement = {
    from: SOURCE,
    to: [RECIPIENT],
    valid: { from: '2020-01-01', until: '2099-12-31', graceDays: 0 },
    marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
    audience: 'all',
    feedback,
  } as unknown as Agreement;
  const release = Object.fromEntries(
    TYPES.map((type) => [type, { leaves: ['number'], generalise: {}, schemaId: 1 }]),
  );
  const loaded = applyRecord(emptyState(), { kind: 'version', ...common, agreement, release, digest: '' });
  return applyRecord(loaded, { kind: 'status', ...common, status, reason: 'test' });
};

/** Waits, in real time, until something is so. */
export const until = async (is: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
