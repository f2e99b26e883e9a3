import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { RequestHandler, Response } from 'express';

/** What a route tells about a request. Never a subject, a cursor, a token or anything else of the caller's text. */
type Audit = {
  route: string;
  organisation?: string;
  client?: string;
  /** Events handed over, left out because no agreement allows them any more, and passed as unreadable. */
  count?: number;
  withheld?: number;
  unreadable?: number;
  /** Of published events. */
  accepted?: number;
  duplicate?: number;
  refused?: number;
  /** Rows of a list that was read. */
  listed?: number;
  /** Why a stream ended, or an answer that was not taken. */
  ended?: string;
};

/** The note about this request, to be filled in as it is understood. */
export const auditOf = (response: Response): Audit => {
  response.locals.audit ??= { route: 'unmatched' } satisfies Audit;
  return response.locals.audit as Audit;
};

/** Writes one line per request when its answer is on the wire or the caller has gone. */
export const audited =
  (log: Logger, metrics: Metrics): RequestHandler =>
  (request, response, next) => {
    const begun = performance.now();
    response.once('close', () => {
      const audit = auditOf(response);
      const seconds = (performance.now() - begun) / 1000;
      const { statusCode: status } = response;
      const { route, organisation = 'none', count = 0, withheld = 0, unreadable = 0 } = audit;
      const answered = response.writableFinished;
      log.info(
        {
          event: 'request.handled',
          audit: true,
          method: request.method,
          status,
          answered,
          durationMs: Math.round(seconds * 1000),
          ...audit,
        },
        'request',
      );
      metrics.gatewayRequests.inc({ route, status, organisation });
      metrics.gatewayRequestDuration.observe({ route }, seconds);
      if (count > 0 && (answered || audit.ended !== undefined))
        metrics.gatewayEvents.inc({ organisation, outcome: 'handed-over' }, count);
      if (withheld > 0) metrics.gatewayEvents.inc({ organisation, outcome: 'withheld' }, withheld);
      if (unreadable > 0) metrics.gatewayEvents.inc({ organisation, outcome: 'unreadable' }, unreadable);
    });
    next();
  };
