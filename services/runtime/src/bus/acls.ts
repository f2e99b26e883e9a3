import type { AclDeclaration, TopicDeclaration } from '../kafka/broker-client.ts';
import {
  CONSOLE_TRANSACTIONAL_ID,
  type DeclaredTopic,
  declaredTopics,
  EXCHANGE_GROUP,
  SERVICE_PRINCIPALS,
  type TopologySettings,
} from './topics.ts';

type Topology = { topics: TopicDeclaration[]; acls: AclDeclaration[]; principals: string[] };

/**
 * Every topic and every right of the bus: the launcher, the compose file and a cluster's resources all come from here.
 *
 * @throws Error for an organisation id that cannot be one
 */
export const topology = (organisations: readonly string[], settings: TopologySettings): Topology => {
  const declared = declaredTopics(organisations, settings);
  return {
    topics: declared.map(({ topic, partitions, replicationFactor, config }) => ({
      topic,
      partitions,
      replicationFactor,
      config,
    })),
    acls: [...declared.flatMap(topicAcls), ...groupAcls(organisations)],
    principals: [...SERVICE_PRINCIPALS, ...organisations],
  };
};

/** Reading and writing include describing. */
const topicAcls = ({ topic, writtenBy, readBy, describedBy }: DeclaredTopic): AclDeclaration[] => {
  const grant =
    (operation: AclDeclaration['operation']) =>
    (principal: string): AclDeclaration => ({
      principal,
      resource: 'topic',
      name: topic,
      match: 'literal',
      operation,
    });
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
      name: CONSOLE_TRANSACTIONAL_ID,
      match: 'literal',
      operation: 'write',
    },
  ];
};
