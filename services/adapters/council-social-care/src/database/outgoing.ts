/** What is to be published, written down with the state that it leads to, and sent from there in its order. */
import { eventId } from '@causeway/runtime/bus/envelope';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import type { Fact } from '@causeway/runtime/source/fact';
import type { PublishOutcome, SourceMessage } from '@causeway/runtime/source/publish';
import type { Registration } from '@causeway/runtime/source/registrations';
import type { Source } from '@causeway/runtime/source/source';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { ADAPTER } from '../parts.ts';
import type { StatedBefore } from './difference.ts';

const CONTENT_TYPE = 'application/json';

/** A message, or a row that says nothing it should. As JSON; a record's key and value are text. */
export type Outgoing =
  | {
      kind: 'message';
      view: string;
      rowId: string;
      identity: string[];
      facts: Fact[];
      standing: Written[];
      /** What had been said before: that still holds where the message cannot be published. */
      before: StatedBefore | null;
    }
  | { kind: 'bad-row'; view: string; rowId: string; reason: string; why: string; row: unknown };

type Written = Omit<Registration, 'record' | 'state'> & {
  state: string | null;
  record: { topic: string; partition: number; key: string; value: string | null };
};

export const written = ({ record, about, name, state }: Registration): Written => ({
  about,
  name,
  state: state ?? null,
  record: {
    topic: record.topic,
    partition: record.partition ?? 0,
    key: String(record.key),
    value: record.value?.toString('utf8') ?? null,
  },
});

const registrationOf = ({ record, about, name, state }: Written): Registration => ({
  about,
  name,
  state: state ?? undefined,
  record: {
    ...record,
    value: record.value === null ? null : Buffer.from(record.value, 'utf8'),
  } satisfies KafkaRecord,
});

type Message = Extract<Outgoing, { kind: 'message' }>;

const contentOf = (facts: readonly Fact[]): Buffer => Buffer.from(JSON.stringify(facts));

/** The ids that the events of a message will have. */
export const eventIdsOf = ({ identity, facts }: Pick<Message, 'identity' | 'facts'>): string[] =>
  facts.map((_, index) => eventId(identity, contentOf(facts), index));

const messageOf = ({ identity, facts, standing, view, rowId }: Message): SourceMessage => ({
  raw: Buffer.from(JSON.stringify({ view, row_id: rowId, facts })),
  contentType: CONTENT_TYPE,
  identity,
  content: contentOf(facts),
  facts,
  registrations: standing.map(registrationOf),
});

/** What is to be sent, in the adapter's own database. */
export type OutgoingStore = {
  outgoing(limit: number): Promise<{ id: number; message: Outgoing }[]>;
  sent(ids: readonly number[]): Promise<void>;
  /** The row's last version was not published after all: it is kept as a dead letter until it changes. */
  refused(view: string, rowId: string, reason: string, said: StatedBefore | null): Promise<void>;
};

export type SendParts = {
  store: OutgoingStore;
  source: Pick<Source, 'accept' | 'deadLetter'>;
  metrics: Pick<Metrics, 'sourceMessages'>;
};

/** Of a row whose message the source could not publish; it is tried again when the row changes. */
export const NOT_PUBLISHED = 'not-published:';

const PAGE = 100;

/**
 * Sends everything that is written down. After a crash in the middle the same messages are sent again, with the same ids.
 * @throws RetryableError when it cannot be kept now; what was not sent stays
 */
export const sendOutgoing = async ({ store, source, metrics }: SendParts): Promise<void> => {
  for (;;) {
    const page = await store.outgoing(PAGE);
    if (page.length === 0) return;
    const fates = await Promise.all(page.map(({ message }) => send(source, message)));
    for (const [index, fate] of fates.entries()) {
      const message = page[index]?.message;
      if (message === undefined) continue;
      metrics.sourceMessages.inc({ adapter: ADAPTER, ...outcomeOf(fate) });
      if (message.kind === 'message' && fate.fate === 'dead-lettered')
        await store.refused(message.view, message.rowId, `${NOT_PUBLISHED}${fate.reason}`, message.before);
    }
    await store.sent(page.map(({ id }) => id));
  }
};

const send = async (source: SendParts['source'], message: Outgoing): Promise<PublishOutcome> => {
  if (message.kind === 'message') return source.accept(messageOf(message));
  const { view, rowId, reason, why, row } = message;
  await source.deadLetter({
    raw: Buffer.from(JSON.stringify({ view, row_id: rowId, reason, why, row })),
    contentType: CONTENT_TYPE,
    reason,
    attempts: 1,
  });
  return { fate: 'dead-lettered', reason };
};

type Counted = Omit<Parameters<Metrics['sourceMessages']['inc']>[0], 'adapter'>;

const outcomeOf = (fate: PublishOutcome): Counted => {
  if (fate.fate === 'published' && fate.ids.length === 0)
    return { outcome: 'published', reason: 'standing-only' };
  return { outcome: fate.fate, reason: 'reason' in fate ? fate.reason : 'none' };
};
