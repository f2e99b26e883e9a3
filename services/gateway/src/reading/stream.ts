import { setTimeout as delay } from 'node:timers/promises';
import { endingAfter } from '@causeway/runtime/async/timeout';
import { errorCode } from '@causeway/runtime/errors';
import type { Ends } from '@causeway/runtime/inbox/tail';
import { Problem, problemBody } from '@causeway/runtime/service/http-server';
import type { StreamQuery } from '../http/query.ts';
import type { ReadCounts } from './authorise.ts';
import {
  currentPage,
  hasCursor,
  isAtEnd,
  noCounts,
  type Reading,
  type ReadingParts,
  startOf,
  withInbox,
} from './current-page.ts';
import type { Page, PageEvent } from './page.ts';

/**
 * Server-Sent Events: the same pages as those of a pull, one after the other. One page is in memory at a time, and the next is read only
 * when the reader has taken the last one: a slow reader costs no more than that.
 */

/** Why a stream ended. A reader that reconnects with the last id continues where it ended. */
type StreamEnd = 'left' | 'too-slow' | 'stopping' | 'token-expired' | 'events-missed' | 'unavailable';

/** The other end. */
export type Sink = {
  /** Called once, before the first write: after it a problem can no longer be the answer. */
  open(): void;
  /** Resolves when the reader has taken enough for the next write; false when the reader has gone or takes too long. */
  write(text: Buffer | string): Promise<boolean>;
  /** Hears of each page that was taken. */
  count(events: readonly PageEvent[], counts: ReadCounts): void;
};

export type StreamSettings = {
  heartbeatMs: number;
  /** How long pages may fail, for a reason that can pass, before the reader is sent away. */
  patienceMs: number;
};

type StreamSignals = {
  left: AbortSignal;
  stopping: AbortSignal;
  /** When the access token runs out, milliseconds since 1970. */
  expiresAt: number;
};

const LIMITS = { events: 500, bytes: 256 * 1024 };
const RECONNECT_MS = 1_000;
const PAUSE_MS = 500;
/** Longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws Problem or RetryableError before anything was written; later failures end the stream */
export const streamEvents = (
  parts: ReadingParts,
  organisation: string,
  query: StreamQuery,
  sink: Sink,
  signals: StreamSignals,
  settings: StreamSettings,
): Promise<StreamEnd> =>
  withInbox(parts, organisation, async (inbox) => {
    const start = { parts, inbox, organisation, filter: query, hasCursor: hasCursor(query.start) };
    const positions = await startOf(start, query.start);
    const counts = noCounts();
    const first = { page: await currentPage(start, positions, LIMITS, counts), counts };
    sink.open();
    const reading = { ...start, hasCursor: true };
    const left = Math.min(Math.max(signals.expiresAt - parts.now(), 0), MAX_TIMER_MS);
    const ending = endingAfter(left, signals.left, signals.stopping);
    try {
      return await flow({ reading, sink, signals, settings, ended: ending.signal }, positions, first);
    } finally {
      ending.end();
    }
  });

type Read = { page: Page; counts: ReadCounts };
type Stream = {
  reading: Reading;
  sink: Sink;
  signals: StreamSignals;
  settings: StreamSettings;
  ended: AbortSignal;
};

const flow = async (stream: Stream, from: readonly number[], first: Read): Promise<StreamEnd> => {
  const { reading, sink, signals, settings, ended } = stream;
  const { now, cursors } = reading.parts;
  const id: Id = (at) => `id: ${cursors.issue(reading.organisation, at)}\n`;
  const refused = () => (signals.left.aborted ? 'left' : 'too-slow');
  let positions = from;
  let written = now();
  let text = `retry: ${RECONNECT_MS}\n\n`;
  let ends: Ends = [];
  try {
    for (let read = first; ; read = await patiently(stream, positions, ends)) {
      const { page, counts } = read;
      const messages = messagesOf(page, positions, id);
      positions = page.positions;
      // An id without data advances the reader past events that it does not receive, and keeps the connection alive.
      if (text === '' && messages.length === 0 && now() - written >= settings.heartbeatMs)
        text = `: heartbeat\n${id(positions)}\n`;
      if (text !== '' || messages.length > 0) {
        if (!(await sink.write(Buffer.concat([Buffer.from(text), ...messages])))) return refused();
        written = now();
        text = '';
      }
      sink.count(page.events, counts);
      ends = [];
      if (isAtEnd(page, positions)) {
        const pause = endingAfter(Math.max(settings.heartbeatMs - (now() - written), 0), ended);
        ends = await reading.inbox.beyond(page.ends, pause.signal);
        pause.end();
      }
      if (ended.aborted) return await goodbye(stream, id(positions));
    }
  } catch (error) {
    return ended.aborted ? goodbye(stream, id(positions)) : refuse(error, stream);
  }
};

type Id = (at: readonly number[]) => string;

/** Ends the stream with the reason and the cursor to continue with. */
const goodbye = async ({ signals, sink }: Stream, id: string): Promise<StreamEnd> => {
  if (signals.left.aborted) return 'left';
  const reason = signals.stopping.aborted ? 'stopping' : 'token-expired';
  await sink.write(`event: end\n${id}data: {"reason":"${reason}"}\n\n`);
  return reason;
};

const MESSAGE_END = Buffer.from('\n\n');

/** One message per event; its id is the cursor behind it. */
const messagesOf = (page: Page, from: readonly number[], id: Id): Buffer[] => {
  const at = [...from];
  return page.events.flatMap(({ json, partition, next }) => {
    at[partition] = next;
    return [Buffer.from(`${id(at)}data: `), json, MESSAGE_END];
  });
};

/** The next page, waiting for what can pass. */
const patiently = async (stream: Stream, positions: readonly number[], known: Ends): Promise<Read> => {
  const { reading, ended, settings } = stream;
  const begun = performance.now();
  for (let ends = known; ; ends = []) {
    const counts = noCounts();
    try {
      const page = await currentPage(reading, positions, LIMITS, counts, ends);
      if (page.events.length > 0 || page.blocked === undefined) return { page, counts };
      throw page.blocked;
    } catch (error) {
      const final = error instanceof Problem && error.status < 500;
      if (final || ended.aborted || performance.now() - begun > settings.patienceMs) throw error;
      await delay(PAUSE_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  }
};

/** Sends the problem that a request would have been answered with, if the stream still takes it. */
const refuse = async (error: unknown, { sink, reading }: Stream): Promise<StreamEnd> => {
  if (!(error instanceof Problem))
    reading.parts.log.warn({ event: 'stream.failed', code: errorCode(error) }, 'stream ended by an error');
  const problem = error instanceof Problem ? error : UNAVAILABLE;
  await sink.write(`event: problem\ndata: ${JSON.stringify(problemBody(problem))}\n\n`);
  return problem.slug === 'events-missed' ? 'events-missed' : 'unavailable';
};

const UNAVAILABLE = new Problem(503, 'unavailable', 'Temporarily unavailable', 'Reconnect with the last id.');
