import { Problem } from '@causeway/runtime/service/http-server';
import type { Request } from 'express';
import type { z } from 'zod';

/** CloudEvents over HTTP (the protocol binding 1.0.2): one or many in structured JSON, or one in binary mode. */

export const MAX_BODY = 1_048_576;
export const MAX_BATCH = 500;
export const EVENT_JSON = 'application/cloudevents+json';
export const BATCH_JSON = 'application/cloudevents-batch+json';

/** One thing that claims to be an event, unchecked; in `binary` mode its attributes were header lines. */
export type Given = { value: unknown; binary: boolean };

/** @throws Problem `unsupported-media-type`, `invalid-json`, `invalid-body`, `batch-too-large` */
export const eventsOf = (request: Request): Given[] => {
  const mediaType = (request.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const attributes = headerAttributes(request);
  if (mediaType === 'application/json' && 'specversion' in attributes) {
    const value = { ...attributes, datacontenttype: 'application/json', data: parsed(request.body) };
    return [{ value, binary: true }];
  }
  if (mediaType === EVENT_JSON) return [{ value: parsed(request.body), binary: false }];
  if (mediaType === BATCH_JSON) return batchOf(parsed(request.body));
  throw new Problem(
    415,
    'unsupported-media-type',
    'Unsupported media type for events',
    `Send ${EVENT_JSON} or ${BATCH_JSON}, or application/json with the attributes as ce- headers.`,
  );
};

/** The body of a request as JSON, whatever its media type. @throws Problem `invalid-json` */
export const parsed = (body: unknown): unknown => {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? UTF8.decode(body) : '');
  } catch {
    throw new Problem(400, 'invalid-json', 'The body is not JSON', 'Send JSON in UTF-8.');
  }
};

export type BodyFault = { path: string; problem: string };

/**
 * The body as the form describes it.
 * @throws Problem 400 `invalid-body` that names every fault and no value
 */
export const checked = <S extends z.ZodType>(form: S, body: unknown): z.infer<S> => {
  const result = form.safeParse(body);
  if (result.success) return result.data;
  throw invalidBody(
    ...result.error.issues.map(({ path, message, code }) => ({
      path: path.map(String).join('.').slice(0, 100),
      problem: code === 'unrecognized_keys' ? 'has members that are not defined here' : message,
    })),
  );
};

export const invalidBody = (...faults: BodyFault[]): Problem =>
  new Problem(400, 'invalid-body', 'The body is not valid', 'Correct what `faults` lists.', { faults });

const UTF8 = new TextDecoder('utf-8', { fatal: true });

const batchOf = (value: unknown): Given[] => {
  if (!Array.isArray(value) || value.length === 0)
    throw new Problem(400, 'invalid-body', 'Not a batch of events', 'Send an array of at least one event.');
  if (value.length > MAX_BATCH) {
    const detail = `Send at most ${MAX_BATCH} events at once.`;
    throw new Problem(413, 'batch-too-large', 'Too many events in one batch', detail);
  }
  return value.map((one) => ({ value: one, binary: false }));
};

const headerAttributes = (request: Request): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers)
      .filter(([name]) => name.startsWith('ce-') && name !== 'ce-datacontenttype')
      .map(([name, value]) => [name.slice(3), unescaped(String(value))]),
  );

/** Header lines are percent-encoded where they are not plain (section 3.1.3.2 of the binding). */
const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
