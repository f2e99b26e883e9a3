/** What the source side remembers: the answers that calling systems were given, and the RMS's own records behind our events. */
import { createHash } from 'node:crypto';
import { batched } from '@causeway/runtime/async/batcher';
import type { Database } from '@causeway/runtime/postgres/database';

/** What a calling system was answered; the body is kept as it was sent. */
export type StoredAnswer = { status: number; body: Record<string, unknown> };

export type Request = { client: string; key: string; raw: Buffer };

/** `reused`: the key came with another body before. */
type Claim = { kind: 'new' } | { kind: 'answered'; answer: StoredAnswer } | { kind: 'reused' };

export type OwnReport = { eventId: string; recordId: string; reference: string };

export type ReportStore = {
  /** Brings the tables up to date, once. @throws RetryableError */
  prepare(): Promise<void>;
  /** Binds a key to a body. Of two requests at one time with one key and body both are new. @throws RetryableError */
  claim(request: Request): Promise<Claim>;
  /** Writes down the answer, and which record each event came from. @throws RetryableError */
  answered(request: Request, answer: StoredAnswer, reports: readonly OwnReport[]): Promise<void>;
  /** Which record an event of ours came from. @throws RetryableError */
  recordOf(eventId: string): Promise<OwnReport | undefined>;
  remember(reports: readonly OwnReport[]): Promise<void>;
  /** Removes what is old, tasks among it. @throws RetryableError */
  forget(): Promise<void>;
};

/** As long as a source remembers which events it published. */
const KEPT = '90 days';
/** An outcome can come after a year. */
const REPORT_KEPT = '400 days';
/** An inbox keeps its events for 30 days, and only those can be acknowledged. */
const TASK_KEPT = '40 days';

/** Requests at one time that share a statement. */
const TOGETHER = 200;

const CLAIM = `
  insert into idempotency as known (client, key, body)
  select * from unnest($1::text[], $2::text[], $3::text[])
  on conflict (client, key) do update set body = known.body
  returning client, key, body, status, answer`;

const ANSWERED = `
  with answers as (
    update idempotency set status = item.status, answer = item.answer
    from jsonb_to_recordset($1::jsonb) as item (client text, key text, status int, answer jsonb)
    where idempotency.client = item.client and idempotency.key = item.key
  )
  insert into own_report (event_id, record_id, reference)
  select * from jsonb_to_recordset($2::jsonb) as item (event_id text, record_id text, reference text)
  on conflict do nothing`;

type Row = {
  client: string;
  key: string;
  body: string;
  status: number | null;
  answer: StoredAnswer['body'] | null;
};

const hash = (text: string | Buffer): string => createHash('sha256').update(text).digest('base64url');

/** Without a key the body itself is the key: what is sent again has the same answer. */
export const keyOf = (header: string | undefined, raw: Buffer): string =>
  header === undefined ? `body:${hash(raw)}` : `key:${hash(header)}`;

/** Whether the sender gave the document a key. */
export const isNamed = ({ key }: Request): boolean => key.startsWith('key:');

const nameOf = ({ client, key }: Pick<Row, 'client' | 'key'>): string => `${client} ${key}`;

export const createReportStore = (database: Database): ReportStore => {
  let prepared: Promise<void> | undefined;
  const prepare = (): Promise<void> => {
    prepared ??= database.migrate(new URL('../migrations', import.meta.url), 'adapter_migrations');
    prepared.catch(() => {
      prepared = undefined;
    });
    return prepared;
  };

  const claim = batched<Request, Claim>(async (requests) => {
    // One statement can touch a row once: the first of a batch binds the key.
    const first = new Map<string, { client: string; key: string; body: string }>();
    const asked = requests.map(({ client, key, raw }) => ({ client, key, body: hash(raw) }));
    for (const one of asked) if (!first.has(nameOf(one))) first.set(nameOf(one), one);
    const rows = [...first.values()];
    const found = await database.query<Row>(CLAIM, [
      rows.map(({ client }) => client),
      rows.map(({ key }) => key),
      rows.map(({ body }) => body),
    ]);
    const known = new Map(found.map((row) => [nameOf(row), row]));
    return asked.map((one) => claimOf(one.body, known.get(nameOf(one))));
  }, TOGETHER);

  const answered = batched<{ request: Request; answer: StoredAnswer; reports: readonly OwnReport[] }, void>(
    async (items) => {
      const answers = items.map(({ request: { client, key }, answer: { status, body } }) => ({
        client,
        key,
        status,
        answer: body,
      }));
      const reports = items.flatMap((item) => item.reports.map(rowOf));
      await database.query(ANSWERED, [JSON.stringify(answers), JSON.stringify(reports)]);
      return items.map(() => undefined);
    },
    TOGETHER,
  );

  return {
    prepare,
    async claim(request) {
      const [claimed = { kind: 'new' }] = await claim([request]);
      return claimed;
    },
    async answered(request, answer, reports) {
      await answered([{ request, answer, reports }]);
    },
    async recordOf(eventId) {
      const [row] = await database.query<{ record_id: string; reference: string }>(
        'select record_id, reference from own_report where event_id = $1',
        [eventId],
      );
      return row && { eventId, recordId: row.record_id, reference: row.reference };
    },
    async remember(reports) {
      await database.query(ANSWERED, ['[]', JSON.stringify(reports.map(rowOf))]);
    },
    async forget() {
      await database.query(`delete from idempotency where at < now() - interval '${KEPT}'`);
      await database.query(`delete from own_report where at < now() - interval '${REPORT_KEPT}'`);
      await database.query(`delete from task where at < now() - interval '${TASK_KEPT}'`);
    },
  };
};

const claimOf = (body: string, row: Row | undefined): Claim => {
  if (row === undefined) return { kind: 'new' };
  if (row.body !== body) return { kind: 'reused' };
  return row.status === null
    ? { kind: 'new' }
    : { kind: 'answered', answer: { status: row.status, body: row.answer ?? {} } };
};

const rowOf = ({ eventId, recordId, reference }: OwnReport) => ({
  event_id: eventId,
  record_id: recordId,
  reference,
});
