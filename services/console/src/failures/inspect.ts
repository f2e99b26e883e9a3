import { withTimeout } from '@causeway/runtime/async/timeout';
import { type Codec, schemaIdOf } from '@causeway/runtime/avro/codec';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { RetryableError } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { leavesOf, type Sensitivity } from '@causeway/schemas/avro/schema';

/** A field of a dead letter; `value` is null where it may not be seen. */
type SeenField = { path: string; doc: string; sensitivity: Sensitivity; value: string | null };
export type Content =
  | { kind: 'event'; schema: string; fields: SeenField[] }
  | { kind: 'message'; segments: { name: string; text: string | null; length: number }[] }
  | { kind: 'bytes'; length: number; text: string | null }
  | { kind: 'nothing' };
/** `hidden`: how much of it is not shown. */
export type Inspected = {
  headers: { name: string; value: string }[];
  content: Content;
  hidden: number;
  tokens: string[];
};

/** Nothing about the person: pseudonyms stay out as well. */
const SHOWN_HEADERS = [
  'ce_id',
  'ce_type',
  'ce_source',
  'ce_time',
  'ce_priority',
  'ce_actby',
  'ce_dataclassification',
  'ce_handling',
  'ce_agreement',
  'content-type',
  'dl-component',
  'dl-reason',
  'dl-origin',
  'dl-attempts',
  'dl-length',
  'dl-sha256',
];
const LONGEST_TEXT = 20_000;
const PATIENCE_MS = 8_000;
const FETCH = { maxWaitMs: 500, maxBytes: 2_097_152, partitionMaxBytes: 2_097_152 };

export type ReadDeadLetter = (organisation: string, offset: number) => Promise<FetchedRecord | undefined>;

/**
 * Reads single dead letters over one connection, one after the other; a failed connection is replaced with the next read. What is
 * kept no longer is undefined. What it returns throws RetryableError.
 */
export function createDeadLetterReader(open: () => Reader): ReadDeadLetter {
  let reader: Reader | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const read: ReadDeadLetter = async (organisation, offset) => {
    const using = reader ?? open();
    reader = using;
    try {
      const at = { topic: topicsOf(organisation).deadLetter, partition: 0, offset };
      const [part] = await withTimeout(PATIENCE_MS, 'kafka', using.fetch([at], FETCH));
      if (!part) throw new RetryableError('kafka-unavailable', 'Kafka gave no answer for the dead letter');
      return part.records.find((record) => record.offset === offset);
    } catch (error) {
      reader = undefined;
      void using.close().catch(() => undefined);
      throw error;
    }
  };
  return (organisation, offset) => {
    const result = before.then(() => read(organisation, offset));
    before = result.catch(() => undefined);
    return result;
  };
}

/** What may be seen of it: everything, or what says nothing about a person. */
export async function inspect(record: FetchedRecord, codec: Codec, everything: boolean): Promise<Inspected> {
  const headers = SHOWN_HEADERS.flatMap((name) => {
    const value = record.headers[name]?.toString('utf8');
    return value === undefined ? [] : [{ name, value: value.slice(0, 300) }];
  });
  const content = await contentOf(record, codec, everything);
  const tokens = record.headers.ce_tokens?.toString('utf8').split(' ').slice(0, 50) ?? [];
  return { headers, content, hidden: hiddenIn(content), tokens };
}

async function contentOf(
  { value, headers }: FetchedRecord,
  codec: Codec,
  everything: boolean,
): Promise<Content> {
  if (value === null || value.length === 0) return { kind: 'nothing' };
  const event = await eventIn(value, codec, everything);
  if (event) return event;
  const text = value.toString('utf8');
  if (text.startsWith('MSH') || headers['content-type']?.toString().includes('hl7'))
    return messageIn(text, everything);
  return { kind: 'bytes', length: value.length, text: everything ? text.slice(0, LONGEST_TEXT) : null };
}

/** Undefined where the bytes are no event; a registry that is away is no verdict on the bytes. */
async function eventIn(value: Buffer, codec: Codec, everything: boolean): Promise<Content | undefined> {
  try {
    const schema = await codec.schemaOf(schemaIdOf(value));
    const { data } = await codec.decode(value);
    const fields = leavesOf(schema).flatMap(({ path, field }): SeenField[] => {
      const found = valueAt(data, path.split('.'));
      if (found === null || found === undefined) return [];
      const sensitivity = field.sensitivity ?? 'narrative';
      const shown = everything || sensitivity === 'plain';
      return [{ path, doc: field.doc ?? '', sensitivity, value: shown ? textOf(found) : null }];
    });
    return { kind: 'event', schema: schema.title ?? schema.name, fields };
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    return undefined;
  }
}

function messageIn(text: string, everything: boolean): Content {
  const lines = text
    .split(/\r\n?|\n/)
    .filter(Boolean)
    .slice(0, 200);
  const segments = lines.map((line) => ({
    name: /^[A-Z][A-Z0-9]{2}/.exec(line)?.[0] ?? '?',
    text: everything ? line.slice(0, 2_000) : null,
    length: line.length,
  }));
  return { kind: 'message', segments };
}

function valueAt(value: unknown, [step, ...rest]: string[]): unknown {
  if (step === undefined || typeof value !== 'object' || value === null) return value;
  const inner = (value as Record<string, unknown>)[step.replace('[]', '')];
  if (step.endsWith('[]') && Array.isArray(inner)) {
    const found = inner
      .map((item) => valueAt(item, rest))
      .filter((item) => item !== null && item !== undefined);
    return found.length > 0 ? found : null;
  }
  return valueAt(inner, rest);
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function hiddenIn(content: Content): number {
  if (content.kind === 'event') return content.fields.filter(({ value }) => value === null).length;
  if (content.kind === 'message') return content.segments.filter(({ text }) => text === null).length;
  return content.kind === 'bytes' && content.text === null ? 1 : 0;
}
