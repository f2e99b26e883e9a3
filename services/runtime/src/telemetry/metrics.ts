import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Every metric of the project, in one file. A label is an organisation, a component or a word from a closed set:
 * never a person, an event id, a URL or a message. Names carry the unit; each series carries `service`.
 */

/** Counts events; `inc` adds 1 unless told otherwise. */
type Count<L> = { inc(labels: L, by?: number): void };
/** A value that goes up and down. */
type Level<L> = { set(labels: L, value: number): void; inc(labels: L): void; dec(labels: L): void };
/** Durations in seconds. */
type Timing<L> = { observe(labels: L, seconds: number): void };

type Organisation = { organisation: string };
/** `lane`, `follower`, `subscription`…: a part inside a service. */
type Component = { component: string };

type Lag = Organisation & { kind: 'exchange' | 'inbox' | 'reader'; name: string };

export type Metrics = {
  /** Facts that an adapter or the gateway handed to the bus. `not-shared`: no agreement names the type. */
  eventsPublished: Count<
    Organisation & { outcome: 'published' | 'duplicate' | 'not-shared' | 'refused' | 'failed' }
  >;
  /** Outbox records decided by the exchange, by their source. */
  recordsDecided: Count<Organisation>;
  /** Releases into an inbox, by source and recipient. */
  recordsReleased: Count<Organisation & { recipient: string }>;
  /** Withheld by a gate, by source and recipient. */
  recordsWithheld: Count<Organisation & { recipient: string; reason: string }>;
  /** `reason` is the code of a PermanentError. */
  deadLetters: Count<Organisation & Component & { reason: string }>;
  /** Outbox records that were deleted before the exchange read them, counted once per hole. */
  ledgerGaps: Count<Organisation>;
  /** One Kafka transaction of an exchange lane, from begin to commit or abort. */
  transactionDuration: Timing<{ outcome: 'committed' | 'aborted' }>;
  /**
   * Messages from a legacy system. `ignored`: well-formed, but no fact that the adapter translates. `reason` is a code of
   * the adapter's, `none` where the outcome says it all.
   */
  sourceMessages: Count<{
    adapter: string;
    outcome: 'published' | 'duplicate' | 'not-shared' | 'ignored' | 'dead-lettered' | 'refused' | 'failed';
    reason: string;
  }>;
  /** 1 while a part of a legacy system that is asked, such as a reporting view, can be read as it should be. */
  legacyPartUp: Level<{ adapter: string; part: string }>;
  /** Calls of an adapter to a legacy system that it fetches from, by what came of them; `refused`: the log-in is not taken. */
  sourceCalls: Count<{ adapter: string; call: string; outcome: 'done' | 'refused' | 'failed' }>;
  /** Messages that wait in the legacy system to be fetched, as far as it says. */
  sourceWaiting: Level<{ adapter: string }>;
  /** From the last byte of a legacy message to its acknowledgement. */
  acknowledgementDuration: Timing<{ adapter: string }>;
  /** `route` is the pattern (`/v1/events/:id/outcome`), never the path. */
  gatewayRequests: Count<Organisation & { route: string; status: number }>;
  gatewayRequestDuration: Timing<{ route: string }>;
  /** Records of an inbox by what became of them at the gateway; `withheld`: no agreement allows them any more. */
  gatewayEvents: Count<Organisation & { outcome: 'handed-over' | 'withheld' | 'unreadable' }>;
  /** Tries to hand an event to a sink or webhook, by what came of them: see `AttemptRecord`. */
  deliveries: Count<Organisation & Component & { outcome: string }>;
  /** Inbox records that were deleted before a subscription read them, counted once per hole. */
  deliveryGaps: Count<Organisation & Component>;
  /** Streams of Server-Sent Events that are open. */
  gatewayStreams: Level<Organisation>;
  gatewayStreamsEnded: Count<Organisation & { reason: string }>;
  /** Events that an organisation did not get or acknowledge in time. */
  overdue: Count<Organisation & { reason: 'not_delivered' | 'not_acknowledged' }>;
  /** Unix time, in seconds, at which a certificate ends; `server` is the one that the service itself shows. */
  certificateExpires: Level<{ certificate: string }>;
  /** Notes that say how far every ledger has come. */
  checkpoints: Count<{ outcome: 'signed' | 'failed' }>;
  /** Ledger partitions found not to be whole; each of them once. */
  ledgerProblems: Count<{ ledger: string }>;
  /**
   * How far behind somebody is. `exchange`: events of an outbox that are not decided; `inbox`: events of an inbox that nobody
   * has had; `reader`: the same for one sink, subscription or client, which `name` says.
   */
  lagEvents: Level<Lag>;
  lagSeconds: Level<Lag>;
  /** 1 while a service, the database, the registry or the log-in service answers the console. */
  partUp: Level<{ part: string }>;
  /** Unix time, in seconds, at which an active agreement (`<id>/<version>`) stops releasing. */
  agreementEnds: Level<{ agreement: string }>;
  databaseErrors: Count<{ kind: 'connection' | 'statement' }>;
  /** Parts inside a service that were started again after an error. */
  restarts: Count<Component>;
  /** Failed steps of the background loops of a service; each is tried again. */
  loopRestarts: Count<{ loop: string }>;
  /** 1 while `/ready` answers 200. */
  ready: Level<Record<string, never>>;
  /** 1 while that check passes. */
  readinessCheck: Level<{ check: string }>;
  /** All of it in the Prometheus text format. */
  text(): Promise<string>;
  contentType: string;
  /** Every metric of ours, by name. */
  described(): MetricDescription[];
};

type MetricDescription = { name: string; kind: string; labels: string[]; help: string };

/** Members that the client's metrics have and its types leave out. */
type Described = { name: string; type: string; labelNames: string[]; help: string };

const LAG = ['organisation', 'kind', 'name'];
const PREFIX = 'causeway_';
const FAST = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A registry of its own, so that two services in one test process do not meet. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const at = (name: string, help: string, labelNames: string[]) => ({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry],
  });
  const count = (name: string, help: string, labels: string[]) => new Counter(at(name, help, labels));
  const level = (name: string, help: string, labels: string[]) => new Gauge(at(name, help, labels));
  const timing = (name: string, help: string, labels: string[]) =>
    new Histogram({ ...at(name, help, labels), buckets: FAST });

  return {
    eventsPublished: count('events_published_total', 'Events handed to the bus', ['organisation', 'outcome']),
    recordsDecided: count('records_decided_total', 'Outbox records decided', ['organisation']),
    recordsReleased: count('records_released_total', 'Releases into an inbox', ['organisation', 'recipient']),
    recordsWithheld: count('records_withheld_total', 'Events withheld by a gate, by its reason', [
      'organisation',
      'recipient',
      'reason',
    ]),
    deadLetters: count('dead_letters_total', 'Dead letters written', ['component', 'organisation', 'reason']),
    ledgerGaps: count(
      'ledger_gaps_total',
      'Holes recorded in the ledger: events were deleted before they were decided',
      ['organisation'],
    ),
    transactionDuration: timing('transaction_duration_seconds', 'Kafka transactions of the exchange', [
      'outcome',
    ]),
    sourceMessages: count('source_messages_total', 'Messages from legacy systems', [
      'adapter',
      'outcome',
      'reason',
    ]),
    legacyPartUp: level('legacy_part_up', 'Whether a part of a legacy system can be read', [
      'adapter',
      'part',
    ]),
    sourceCalls: count('source_calls_total', 'Calls to a legacy system that is fetched from', [
      'adapter',
      'call',
      'outcome',
    ]),
    sourceWaiting: level('source_waiting_messages', 'Messages that wait in the legacy system', ['adapter']),
    acknowledgementDuration: timing(
      'acknowledgement_duration_seconds',
      'Time to acknowledge a legacy message',
      ['adapter'],
    ),
    gatewayRequests: count('gateway_requests_total', 'Requests answered', [
      'route',
      'status',
      'organisation',
    ]),
    gatewayRequestDuration: timing('gateway_request_duration_seconds', 'Time to answer a request', ['route']),
    gatewayEvents: count('gateway_events_total', 'Inbox records by outcome', ['organisation', 'outcome']),
    deliveries: count(
      'deliveries_total',
      'Tries to hand an event to a sink or webhook: delivered, retry, unreachable, refused, gave-up, withheld, undecodable, lost, gone',
      ['component', 'organisation', 'outcome'],
    ),
    deliveryGaps: count(
      'delivery_gaps_total',
      'Holes in an inbox that a subscription met: events were deleted before they were delivered',
      ['component', 'organisation'],
    ),
    gatewayStreams: level('gateway_streams', 'Streams that are open', ['organisation']),
    gatewayStreamsEnded: count('gateway_streams_ended_total', 'Streams that ended', [
      'reason',
      'organisation',
    ]),
    checkpoints: count('checkpoints_total', 'Signed notes on the heads of the ledgers', ['outcome']),
    ledgerProblems: count('ledger_problems_total', 'Ledger partitions that are not whole', ['ledger']),
    overdue: count(
      'overdue_total',
      'Events that the organisation did not get (not_delivered) or acknowledge (not_acknowledged) in time; their source was told',
      ['organisation', 'reason'],
    ),
    certificateExpires: level(
      'certificate_expires_timestamp_seconds',
      'When a certificate ends, seconds since 1970',
      ['certificate'],
    ),
    lagEvents: level(
      'lag_events',
      'Events that wait: for the exchange, in an unread inbox, or for a reader (a sink, subscription or client)',
      LAG,
    ),
    lagSeconds: level('lag_seconds', 'Age of the oldest event that waits', LAG),
    partUp: level(
      'part_up',
      '1 while a service, the database, the registry or the log-in service answers the console',
      ['part'],
    ),
    agreementEnds: level(
      'agreement_ends_timestamp_seconds',
      'When an active agreement ends, seconds since 1970',
      ['agreement'],
    ),
    databaseErrors: count('database_errors_total', 'Failed connections and statements', ['kind']),
    restarts: count('restarts_total', 'Parts of a service started again after an error', ['component']),
    loopRestarts: count('loop_restarts_total', 'Background loops started again after an error', ['loop']),
    ready: level('ready', '1 while /ready answers 200', []),
    readinessCheck: level('readiness_check', '1 while that check of /ready passes', ['check']),
    described: () =>
      registry
        .getMetricsAsArray()
        .map((metric) => metric as unknown as Described)
        .filter(({ name }) => name.startsWith(PREFIX))
        .map(({ name, type, labelNames, help }) => ({ name, kind: type, labels: [...labelNames], help }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
