import { Problem } from '@causeway/runtime/service/http-server';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { RequestHandler, Response } from 'express';
import { auditOf } from '../http/audit.ts';
import { callerOf } from '../http/guard.ts';
import { parseStreamQuery } from '../http/query.ts';
import type { ReadingParts } from './current-page.ts';
import type { PageEvent } from './page.ts';
import type { ReadReceipts } from './read-receipts.ts';
import { type Sink, type StreamSettings, streamEvents } from './stream.ts';

export type StreamLimits = StreamSettings & {
  /** How long a reader may take to receive what was written before the stream is closed. */
  slowMs: number;
  perClient: number;
};

/** GET /v1/events/stream: the caller's inbox as Server-Sent Events, from the caller's position. */
export const getStream = (
  parts: ReadingParts,
  stopping: AbortSignal,
  limits: StreamLimits,
  readReceipts: ReadReceipts,
  metrics: Metrics,
): RequestHandler => {
  const open = new Map<string, number>();
  return async (request, response) => {
    const caller = callerOf(response);
    const { organisation, clientId, expiresAt } = caller;
    const query = parseStreamQuery(request.url, request.get('last-event-id'));
    const streams = open.get(clientId) ?? 0;
    if (streams >= limits.perClient) throw tooManyStreams(limits.perClient);
    open.set(clientId, streams + 1);
    metrics.gatewayStreams.inc({ organisation });
    const left = new AbortController();
    response.once('close', () => left.abort());
    const signals = { left: left.signal, stopping, expiresAt };
    try {
      const sink = sinkOf(response, left.signal, limits.slowMs, (events, withheld) =>
        readReceipts(caller, 'stream', events, withheld),
      );
      const ended = await streamEvents(parts, organisation, query, sink, signals, limits);
      auditOf(response).ended = ended;
      metrics.gatewayStreamsEnded.inc({ organisation, reason: ended });
      // Unread data of a slow reader is dropped: it can continue from its last id.
      if (ended === 'too-slow') response.destroy();
      else response.end();
    } finally {
      metrics.gatewayStreams.dec({ organisation });
      const others = (open.get(clientId) ?? 1) - 1;
      if (others > 0) open.set(clientId, others);
      else open.delete(clientId);
    }
  };
};

const sinkOf = (
  response: Response,
  left: AbortSignal,
  slowMs: number,
  note: (events: readonly PageEvent[], withheld: number) => void,
): Sink => {
  const audit = auditOf(response);
  return {
    open: () => {
      // Not through express, which would add a charset that the media type does not have.
      response.setHeader('content-type', 'text/event-stream');
      response.set({
        // A proxy that gathers answers before it passes them on would hold events back.
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
    },
    write: async (text) => {
      if (left.aborted) return false;
      if (response.write(text)) return true;
      return drained(response, slowMs);
    },
    count: (events, { withheld, unreadable }) => {
      audit.count = (audit.count ?? 0) + events.length;
      audit.withheld = (audit.withheld ?? 0) + withheld;
      audit.unreadable = (audit.unreadable ?? 0) + unreadable;
      note(events, withheld);
    },
  };
};

/** Whether the reader took what was written within `ms`. */
const drained = (response: Response, ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (taken: boolean) => () => {
      clearTimeout(late);
      response.off('drain', onDrain).off('close', onClose);
      resolve(taken);
    };
    const [onDrain, onClose] = [settle(true), settle(false)];
    const late = setTimeout(settle(false), ms);
    response.on('drain', onDrain).on('close', onClose);
  });

const tooManyStreams = (limit: number): Problem =>
  new Problem(
    429,
    'too-many-streams',
    'Too many streams',
    `At most ${limit} streams of one client are open at one instance. Close one first.`,
    {},
    { 'retry-after': '5' },
  );
