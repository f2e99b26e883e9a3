import type { TopicDeclaration } from '../kafka/broker-client.ts';

const lanesOf = (given = '6'): number => {
  const lanes = Number(given);
  // A cursor has room for so many.
  if (Number.isInteger(lanes) && lanes >= 1 && lanes <= 255) return lanes;
  throw new Error('CAUSEWAY_LANES must be a whole number from 1 to 255, the same for every process');
};

/**
 * Partitions of every outbox, inbox and ledger. The topics are made with them, so it is the same for every process of a system, and is
 * changed only as `docs/operating/upgrade.md` says.
 */
export const LANES = lanesOf(process.env.CAUSEWAY_LANES);
export const LANES_TOPIC = 'lanes';
export const AGREEMENTS_TOPIC = 'agreements';
export const ORGANISATIONS_TOPIC = 'organisations';
export const CHECKPOINTS_TOPIC = 'checkpoints';
export const IDENTITY_LINKS_TOPIC = 'identity-links';
export const AUDIT_LEDGER_TOPIC = 'ledger.console';

/** The consumer group on `lanes` that hands out lanes, and the one that shows positions in outboxes to standard tools. */
export const LANES_GROUP = 'exchange.lanes';
export const EXCHANGE_GROUP = 'exchange';

/** Kafka principals of our own services; organisations' principals are their ids. */
export const SERVICE_PRINCIPALS = ['exchange', 'gateway', 'console'] as const;
/** `admin` and `node` are super users of the broker, whoever logs in under those names. */
const RESERVED = new Set<string>([...SERVICE_PRINCIPALS, 'admin', 'node', 'all', 'lanes']);

const DAY_MS = 86_400_000;
const OUTBOX_MAX_BYTES = 512 * 1024;
const DERIVED_MAX_BYTES = 2 * 1024 * 1024;

export const topicsOf = (organisation: string) => ({
  outbox: `outbox.${organisation}`,
  inbox: `inbox.${organisation}`,
  ledger: `ledger.${organisation}`,
  deadLetter: `dead-letter.${organisation}`,
  redrive: `redrive.${organisation}`,
  deliveries: `deliveries.${organisation}`,
  interests: `interests.${organisation}`,
  safeguards: `safeguards.${organisation}`,
});

/** Transactional id of the one who redrives what the exchange refused. */
export const REDRIVE_TRANSACTIONAL_ID = 'exchange.redrive';

/** Transactional id of a lane's writer: opening it fences whoever worked the lane before. */
export const laneTransactionalId = (lane: number): string => `exchange.lane.${lane}`;
/** Transactional id of everybody who writes `agreements` or `ledger.console`: each open fences the one before. */
export const CONSOLE_TRANSACTIONAL_ID = 'console.ledger';

export type TopologySettings = {
  replicationFactor: number;
  minInSyncReplicas: number;
};

type Principal = string;
/** A topic and who has which right on it. */
export type DeclaredTopic = TopicDeclaration & {
  writtenBy: Principal[];
  readBy: Principal[];
  describedBy: Principal[];
};

/**
 * Every topic of the bus, declared once.
 *
 * @throws Error for an organisation id that cannot be one
 */
export const declaredTopics = (
  organisations: readonly string[],
  settings: TopologySettings,
): DeclaredTopic[] => {
  for (const id of organisations)
    if (RESERVED.has(id) || !/^[a-z][a-z0-9-]{1,62}$/.test(id))
      throw new Error(
        `"${id}" cannot be an organisation id: use 2 to 63 lower-case letters, digits and hyphens, no reserved word`,
      );
  return [
    ...sharedTopics(settings, organisations),
    ...organisations.flatMap((id) => organisationTopics(id, settings)),
  ];
};

const declarer =
  ({ replicationFactor, minInSyncReplicas }: TopologySettings) =>
  (
    topic: string,
    partitions: number,
    config: Record<string, string>,
    writtenBy: Principal[],
    readBy: Principal[],
    describedBy: Principal[] = [],
  ): DeclaredTopic => ({
    topic,
    partitions,
    replicationFactor,
    config: {
      'min.insync.replicas': String(minInSyncReplicas),
      'message.timestamp.type': 'LogAppendTime',
      ...config,
    },
    writtenBy,
    readBy,
    describedBy,
  });

/** Topics that others may write arrive in any codec; stored plain, no reader needs one or can be fed a bomb. */
const PLAIN = { 'compression.type': 'uncompressed' };
const FOR_EVER = { 'retention.ms': '-1' };
const COMPACTED = { 'cleanup.policy': 'compact' };
const kept = (days: number) => ({ 'retention.ms': String(days * DAY_MS) });
const largest = (bytes: number) => ({ 'max.message.bytes': String(bytes) });

const organisationTopics = (id: string, settings: TopologySettings): DeclaredTopic[] => {
  const names = topicsOf(id);
  const declare = declarer(settings);
  const derived = largest(DERIVED_MAX_BYTES);
  return [
    declare(
      names.outbox,
      LANES,
      { ...kept(7), ...PLAIN, ...largest(OUTBOX_MAX_BYTES) },
      [id, 'gateway', 'exchange'],
      ['exchange'],
      ['console'],
    ),
    // The exchange reads there only what it has not ended itself.
    declare(
      names.inbox,
      LANES,
      { ...kept(30), ...derived },
      ['exchange'],
      [id, 'gateway', 'exchange'],
      ['console'],
    ),
    declare(names.ledger, LANES, { ...FOR_EVER, ...derived }, ['exchange'], ['exchange', 'console']),
    declare(
      names.deadLetter,
      1,
      { ...kept(90), ...PLAIN, ...derived },
      ['exchange', 'gateway', id],
      [id, 'gateway', 'console', 'exchange'],
    ),
    declare(names.redrive, 1, kept(90), ['console'], [id, 'gateway', 'exchange']),
    declare(
      names.deliveries,
      LANES,
      { ...kept(400), ...PLAIN },
      [id, 'gateway', 'exchange'],
      [id, 'console', 'exchange'],
    ),
    declare(
      names.interests,
      1,
      { ...COMPACTED, ...PLAIN },
      [id, 'gateway'],
      ['exchange', 'gateway', 'console'],
    ),
    declare(
      names.safeguards,
      1,
      { ...COMPACTED, ...PLAIN },
      [id, 'gateway'],
      ['exchange', 'gateway', 'console'],
    ),
  ];
};

const sharedTopics = (settings: TopologySettings, organisations: readonly string[]): DeclaredTopic[] => {
  const everybody = ['exchange', 'gateway', 'console', ...organisations];
  const declare = declarer(settings);
  return [
    declare(ORGANISATIONS_TOPIC, 1, COMPACTED, ['console'], everybody),
    declare(AGREEMENTS_TOPIC, 1, FOR_EVER, ['console'], everybody),
    declare(LANES_TOPIC, LANES, {}, [], ['exchange']),
    declare(IDENTITY_LINKS_TOPIC, 1, COMPACTED, ['exchange', 'console'], ['exchange', 'console']),
    declare(AUDIT_LEDGER_TOPIC, 1, FOR_EVER, ['console'], ['console']),
    declare(CHECKPOINTS_TOPIC, 1, FOR_EVER, ['console', 'exchange'], everybody),
  ];
};
