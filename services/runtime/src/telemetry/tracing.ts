import type { Attributes, Tracer } from '@opentelemetry/api';

/**
 * The way of an event as spans of one trace: the door of an adapter or of the gateway, the exchange, each delivery. The event itself carries
 * the trace (`traceparent`), so that it holds across Kafka. Without an endpoint nothing of OpenTelemetry is loaded, and an
 * event keeps the trace that it came with.
 *
 * Attributes are organisations, components, event types, ids of events and words from closed sets: never a subject, a token, a value or an
 * address.
 */
type Span = {
  /** Of this span, or the one that was given where nothing is traced. */
  traceparent: string | undefined;
  /** @param failed a code, where it did not come to what it was to come to */
  end(outcome: Attributes, failed?: string): void;
};

type SpanKind = 'server' | 'client' | 'internal';

export type Started = {
  kind: SpanKind;
  /** The trace that it belongs to, W3C Trace Context; without one it begins a trace. */
  parent?: string | undefined;
  attributes: Attributes;
  /** Where it began before now, milliseconds since 1970. */
  startTime?: number;
};

type Start = (name: string, started: Started) => Span;

// One for the process, like that of OpenTelemetry's own API: whoever handles an event must not be handed a tracer through every layer.
let active: Start | undefined;

/** Whether spans go anywhere; to be asked where making their attributes would cost something. */
export const isTracing = (): boolean => active !== undefined;

/** Begins a span. What is not ended is not sent. */
export const startSpan = (name: string, started: Started): Span =>
  active?.(name, started) ?? { traceparent: started.parent, end: nothing };

const nothing = () => {};

type TracingSettings = {
  service: string;
  /** Base address of a collector that takes OTLP over HTTP; `/v1/traces` is added. */
  endpoint: string;
  /** Share of the traces that begin here and are kept, 0 to 1. A trace that comes with an event is kept where it was kept before. */
  ratio: number;
};

const SEND_EVERY_MS = 1_000;
/** What cannot be sent is dropped beyond this; events never wait for it. */
const MOST_WAITING = 4_096;
const CLOSE_MS = 2_000;

/** Loads OpenTelemetry and sends spans from now on, until it is closed. */
export const openTracing = async ({
  service,
  endpoint,
  ratio,
}: TracingSettings): Promise<{ close(): Promise<void> }> => {
  const [api, sdk, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: CLOSE_MS });
  const processor = new sdk.BatchSpanProcessor({
    exporter,
    maxQueueSize: MOST_WAITING,
    scheduledDelayMillis: SEND_EVERY_MS,
  });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.namespace': 'causeway' }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [processor],
  });
  const start = starting(api, provider.getTracer('causeway'));
  active = start;
  return {
    close: async () => {
      if (active === start) active = undefined;
      await Promise.race([provider.shutdown().catch(nothing), timeout(CLOSE_MS)]);
    },
  };
};

const starting =
  (api: typeof import('@opentelemetry/api'), tracer: Tracer): Start =>
  (name, { kind, parent, attributes, startTime }) => {
    const span = tracer.startSpan(
      name,
      {
        kind: api.SpanKind[KINDS[kind]],
        attributes,
        ...(startTime !== undefined && { startTime }),
      },
      contextOf(api, parent),
    );
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
      end: (outcome, failed) => {
        span.setAttributes(outcome);
        if (failed !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failed });
        span.end();
      },
    };
  };

const KINDS = { server: 'SERVER', client: 'CLIENT', internal: 'INTERNAL' } as const;

const contextOf = (api: typeof import('@opentelemetry/api'), parent: string | undefined) => {
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parent ?? '') ?? [];
  if (!traceId || !spanId || !flags) return api.ROOT_CONTEXT;
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return api.trace.setSpanContext(api.ROOT_CONTEXT, remote);
};

const timeout = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
