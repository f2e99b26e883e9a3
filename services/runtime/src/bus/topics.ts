import type { AclDeclaration, TopicDeclaration } from '../kafka/connect.ts';

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
export const CONSOLE_LEDGER_TOPIC = 'ledger.console';

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
export const REDRIVE_WRITER = 'exchange.redrive';

/** Transactional id of a lane's writer: opening it fences whoever worked the lane before. */
export const laneWriter = (lane: number): string => `exchange.lane.${lane}`;
/** Transactional id of everybody who writes `agreements` or `ledger.console`: each open fences the one before. */
export const CONSOLE_WRITER = 'console.ledger';

export type TopologySettings = {
  replicationFactor: number;
  minInSyncReplicas: number;
};

export type Topology = { topics: TopicDeclaration[]; acls: AclDeclaration[]; principals: string[] };

type Writer = string;
type Declared = TopicDeclaration & { writtenBy: Writer[]; readBy: Writer[]; describedBy?: Writer[] };

/**
 * Every topic and every right of the bus, declared once: the launcher, the compose file and a cluster's resources all come from here.
 *
 * @throws Error for an organisation id that cannot be one
 */
export const topology = (organisations: readonly string[], settings: TopologySettings): Topology => {
  for (const id of organisations)
    if (RESERVED.has(id) || !/^[a-z][a-z0-9-]{1,62}$/.test(id))
      throw new Error(
        `"${id}" cannot be an organisation id: use 2 to 63 lower-case letters, digits and hyphens, no reserved word`,
      );
  const declared = [
    ...sharedTopics(settings, organisations),
    ...organisations.flatMap((id) => organisationTopics(id, settings)),
  ];
  const topics = declared.map(({ topic, partitions, replicationFactor, config }) => ({
    topic,
    partitions,
    replicationFactor,
    config,
  }));
  const acls = [...declared.flatMap(topicAcls), ...groupAcls(organisations)];
  return { topics, acls, principals: [...SERVICE_PRINCIPALS, ...organisations] };
};

const common = (settings: TopologySettings) => ({
  'min.insync.replicas': String(settings.minInSyncReplicas),
  'message.timestamp.type': 'LogAppendTime',
});

/** Topics that others may write arrive in any codec; stored plain, no reader needs one or can be fed a bomb. */
const PLAIN = { 'compression.type': 'uncompressed' };
const FOR_EVER = { 'retention.ms': '-1' };
const COMPACTED = { 'cleanup.policy': 'compact' };
const kept = (days: number) => ({ 'retention.ms': String(days * DAY_MS) });
const largest = (bytes: number) => ({ 'max.message.bytes': String(bytes) });

const organisationTopics = (id: string, settings: TopologySettings): Declared[] => {
  const names = topicsOf(id);
  const declare = (
    topic: string,
    partitions: number,
    config: Record<string, string>,
    writtenBy: Writer[],
    readBy: Writer[],
    describedBy: Writer[] = [],
  ): Declared => ({
    topic,
    partitions,
    replicationFactor: settings.replicationFactor,
    config: { ...common(settings), ...config },
    writtenBy,
    readBy,
    describedBy,
  });
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

const sharedTopics = (settings: TopologySettings, organisations: readonly string[]): Declared[] => {
  const everybody = ['exchange', 'gateway', 'console', ...organisations];
  const declare = (
    topic: string,
    partitions: number,
    config: Record<string, string>,
    writtenBy: Writer[],
    readBy: Writer[],
  ) => ({
    topic,
    partitions,
    replicationFactor: settings.replicationFactor,
    config: { ...common(settings), ...config },
    writtenBy,
    readBy,
  });
  return [
    declare(ORGANISATIONS_TOPIC, 1, COMPACTED, ['console'], everybody),
    declare(AGREEMENTS_TOPIC, 1, FOR_EVER, ['console'], everybody),
    declare(LANES_TOPIC, LANES, {}, [], ['exchange']),
    declare(IDENTITY_LINKS_TOPIC, 1, COMPACTED, ['exchange', 'console'], ['exchange', 'console']),
    declare(CONSOLE_LEDGER_TOPIC, 1, FOR_EVER, ['console'], ['console']),
    declare(CHECKPOINTS_TOPIC, 1, FOR_EVER, ['console', 'exchange'], everybody),
  ];
};

const topicAcls = ({ topic, writtenBy, readBy, describedBy = [] }: Declared): AclDeclaration[] => {
  const grant =
    (operation: AclDeclaration['operation']) =>
    (principal: string): AclDeclaration => ({
      principal,
      resource: 'topic',
      name: topic,
      match: 'literal',
      operation,
    });
  // Reading and writing include describing.
  return [
    ...writtenBy.map(grant('write')),
    ...readBy.map(grant('read')),
    ...describedBy.map(grant('describe')),
  ];
};

const groupAcls = (organisations: readonly string[]): AclDeclaration[] => {
  const group = (
    principal: string,
    name: string,
    match: AclDeclaration['match'],
    operation: AclDeclaration['operation'],
  ) => ({
    principal,
    resource: 'group' as const,
    name,
    match,
    operation,
  });
  return [
    group('exchange', 'exchange', 'prefixed', 'read'),
    group('console', EXCHANGE_GROUP, 'literal', 'describe'),
    ...organisations.map((id) => group(id, `${id}.`, 'prefixed', 'read')),
    {
      principal: 'exchange',
      resource: 'transactional-id',
      name: 'exchange.',
      match: 'prefixed',
      operation: 'write',
    },
    {
      principal: 'console',
      resource: 'transactional-id',
      name: CONSOLE_WRITER,
      match: 'literal',
      operation: 'write',
    },
  ];
};
