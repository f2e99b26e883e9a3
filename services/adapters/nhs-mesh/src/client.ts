/** Speaks MESH, version 2 of its API, and knows nothing of events. */
import type { IncomingMessage } from 'node:http';
import { arch, release, type as system } from 'node:os';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RetryableError } from '@causeway/runtime/errors';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { createAuthorisation, type MailboxLogin } from './authorisation.ts';
import { type Body, createGatherer } from './body.ts';
import { type Http, unavailable } from './http.ts';

type Call = 'handshake' | 'list' | 'download' | 'acknowledge';
type Calls = Metrics['sourceCalls'];

type Page = { messages: string[]; next: string | undefined; waiting: number | undefined };

/** A message of the mailbox, with those headers that decide what becomes of it. */
export type Download = {
  messageId: string;
  workflow: string;
  /** A report is about a message that was sent from this mailbox; it has no body. */
  isReport: boolean;
  encrypted: boolean;
  contentType: string;
  /** Damaged: what was compressed cannot be read. */
  body: Body | { kind: 'damaged'; bytes: Buffer };
};

export type MeshClient = {
  /** Shows the mailbox that somebody is there; wanted at least once a day. */
  handshake(): Promise<void>;
  /** What waits in the mailbox, 500 at most. */
  list(next?: string): Promise<Page>;
  /** Undefined where the message is there no longer. */
  download(messageId: string): Promise<Download | undefined>;
  /** From then on the message is gone. */
  acknowledge(messageId: string): Promise<void>;
  close(): void;
};

type MeshOptions = MailboxLogin & {
  http: Http;
  maxMessageBytes: number;
  signal: AbortSignal;
  calls: Calls;
  adapter: string;
};

const ACCEPT = 'application/vnd.mesh.v2+json';
const PAGE = 500;
const LARGEST_LIST = 2_000_000;
const MOST_CHUNKS = 10_000;

/** An id as MESH gives them out, which may stand in a path and in a log. */
const isMessageId = (id: unknown): id is string => typeof id === 'string' && /^[\w.-]{1,100}$/.test(id);

/** Every call throws a RetryableError: `mesh-unavailable`, `mesh-refused` for a log-in that MESH does not take, `mesh-answer`. */
export const createMeshClient = (options: MeshOptions): MeshClient => {
  const { http, mailbox, maxMessageBytes, signal, calls, adapter } = options;
  const authorisation = createAuthorisation(options);
  const base = `/messageexchange/${encodeURIComponent(mailbox)}`;

  const send = (method: string, path: string, headers: Record<string, string> = {}) => {
    const common = { authorization: authorisation(), accept: ACCEPT, 'accept-encoding': 'gzip' };
    return http.send(method, base + path, { ...common, ...headers }, signal);
  };

  /** Counts what comes of a call. */
  const counted = async <T>(call: Call, work: () => Promise<T>): Promise<T> => {
    try {
      const result = await work();
      calls.inc({ adapter, call, outcome: 'done' });
      return result;
    } catch (error) {
      const refused = error instanceof RetryableError && error.code === 'mesh-refused';
      calls.inc({ adapter, call, outcome: refused ? 'refused' : 'failed' });
      throw error instanceof RetryableError ? error : unavailable(error);
    }
  };

  const downloaded = async (messageId: string): Promise<Download | undefined> => {
    const first = await send('GET', `/inbox/${messageId}`);
    if (isGone(first)) return drained(first, undefined);
    if (first.statusCode !== 200 && first.statusCode !== 206) throw await refusal(first);
    const header = (name: string) => String(first.headers[name] ?? '').trim();
    const chunks = Number(/^1:(\d{1,9})$/.exec(header('mex-chunk-range'))?.[1] ?? 1);
    const about = {
      messageId,
      workflow: header('mex-workflowid'),
      isReport: header('mex-messagetype').toUpperCase() === 'REPORT',
      encrypted: isYes(header('mex-content-encrypted')),
      contentType: contentTypeOf(header('mex-content-type') || header('content-type')),
    };
    const gatherer = createGatherer(maxMessageBytes);
    const asItCame = createGatherer(maxMessageBytes);
    try {
      let more = await gather(first, gatherer.push, asItCame.push);
      for (let chunk = 2; more && chunk <= Math.min(chunks, MOST_CHUNKS); chunk += 1) {
        const answer = await send('GET', `/inbox/${messageId}/${chunk}`);
        if (answer.statusCode !== 200 && answer.statusCode !== 206) throw await refusal(answer);
        more = await gather(answer, gatherer.push, asItCame.push);
      }
      const body = gatherer.body();
      return { ...about, body: body.kind === 'whole' ? await unpacked(body.bytes, maxMessageBytes) : body };
    } catch (error) {
      if (!isDamaged(error)) throw error;
      const raw = asItCame.body();
      return { ...about, body: { kind: 'damaged', bytes: raw.kind === 'whole' ? raw.bytes : raw.head } };
    }
  };

  return {
    handshake: () =>
      counted('handshake', async () => {
        const answer = await send('POST', '', {
          'mex-clientversion': 'causeway==0.1.0',
          'mex-osname': system(),
          'mex-osversion': release(),
          'mex-osarchitecture': arch(),
          'content-length': '0',
        });
        if (answer.statusCode !== 200) throw await refusal(answer);
        await drained(answer, undefined);
      }),
    list: (next) =>
      counted('list', async () => {
        const query = new URLSearchParams({ max_results: String(PAGE) });
        if (next !== undefined) query.set('continue_from', next);
        const answer = await send('GET', `/inbox?${query}`);
        if (answer.statusCode !== 200) throw await refusal(answer);
        return pageOf(await textOf(answer));
      }),
    download: (messageId) => counted('download', () => downloaded(messageId)),
    acknowledge: (messageId) =>
      counted('acknowledge', async () => {
        const answer = await send('PUT', `/inbox/${messageId}/status/acknowledged`, {
          'content-length': '0',
        });
        if (answer.statusCode !== 200 && !isGone(answer)) throw await refusal(answer);
        await drained(answer, undefined);
      }),
    close: () => http.close(),
  };
};

const isGone = ({ statusCode }: IncomingMessage): boolean => statusCode === 404 || statusCode === 410;
const isYes = (text: string): boolean => /^(y|yes|t|true|1)$/i.test(text);

/** Only what may stand in a header of a dead letter. */
const contentTypeOf = (text: string): string =>
  /^[\w.+-]{1,60}\/[\w.+-]{1,60}/.exec(text)?.[0] ?? 'application/octet-stream';

const drained = async <T>(answer: IncomingMessage, result: T): Promise<T> => {
  for await (const _ of answer);
  return result;
};

const refusal = async (answer: IncomingMessage): Promise<RetryableError> => {
  const { statusCode = 0 } = answer;
  answer.destroy();
  if (statusCode === 401 || statusCode === 403)
    return new RetryableError(
      'mesh-refused',
      `MESH answers ${statusCode}: check NHS_MESH_MAILBOX, NHS_MESH_PASSWORD, NHS_MESH_SHARED_KEY, the certificate and this machine's clock`,
    );
  return new RetryableError('mesh-unavailable', `MESH answers ${statusCode}`);
};

type Push = (chunk: Buffer) => boolean;

/** The bytes of an answer, uncompressed, and as they came; resolves with whether the receiver wants more. */
const gather = async (answer: IncomingMessage, push: Push, raw: Push = () => true): Promise<boolean> => {
  if (answer.headers['content-encoding'] !== 'gzip') return pour(answer, push);
  answer.on('data', raw);
  return pour(uncompressed(answer), push);
};

const uncompressed = (source: Readable): Readable => {
  const gunzip = createGunzip();
  source.once('error', (error) => gunzip.destroy(error));
  gunzip.once('close', () => source.destroy());
  return source.pipe(gunzip);
};

const pour = async (source: Readable, push: Push): Promise<boolean> => {
  for await (const chunk of source) if (!push(chunk)) return false;
  return true;
};

/** A sender may have compressed its file besides. */
const unpacked = async (bytes: Buffer, maxBytes: number): Promise<Download['body']> => {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { kind: 'whole', bytes };
  const gatherer = createGatherer(maxBytes);
  try {
    await pour(uncompressed(Readable.from([bytes])), gatherer.push);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return { kind: 'damaged', bytes };
  }
  return gatherer.body();
};

const isDamaged = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');

const textOf = async (answer: IncomingMessage): Promise<string> => {
  const gatherer = createGatherer(LARGEST_LIST);
  await gather(answer, gatherer.push);
  const body = gatherer.body();
  if (body.kind !== 'whole') throw new RetryableError('mesh-answer', 'MESH answers more than a list can be');
  return body.bytes.toString('utf8');
};

const pageOf = (text: string): Page => {
  try {
    const { messages, links, approx_inbox_count: waiting } = JSON.parse(text);
    if (!Array.isArray(messages)) throw new Error('no list');
    const next =
      typeof links?.next === 'string' ? new URL(links.next, 'http://mesh').searchParams : undefined;
    return {
      messages: messages.filter(isMessageId),
      next: next?.get('continue_from') ?? undefined,
      waiting: typeof waiting === 'number' ? waiting : undefined,
    };
  } catch (error) {
    throw new RetryableError('mesh-answer', 'MESH answers something else than a list of messages', {
      cause: error,
    });
  }
};
