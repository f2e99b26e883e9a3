import kafkajs, { type Kafka as Client, type Admin as ClientAdmin } from 'kafkajs';
import { untilDeadline } from '../../async/retry.ts';
import { withTimeout } from '../../async/timeout.ts';
import { RetryableError } from '../../errors.ts';
import type { AclDeclaration, Admin, TopicDeclaration } from '../broker-client.ts';
import { attempt } from './errors.ts';

const LEADERS_DEADLINE_MS = 30_000;
/** The client has no deadline of its own for some of its requests. */
const REQUEST_DEADLINE_MS = 2 * LEADERS_DEADLINE_MS;

const administer = <T>(context: string, run: () => Promise<T>): Promise<T> =>
  attempt(context, () =>
    withTimeout(REQUEST_DEADLINE_MS, `Kafka to answer ${context}`, run(), 'kafka-timed-out'),
  );

/** An administrative connection, which is open when it resolves. */
export const openAdmin = async (client: Client): Promise<Admin> => {
  const admin: ClientAdmin = client.admin();
  await administer('an administrative connection', () => admin.connect());
  return {
    listTopics: () => administer('the list of topics', () => admin.listTopics()),
    createTopics: (topics) => createMissingTopics(admin, topics),
    createAcls: (acls) =>
      administer('creating ACLs', async () => {
        await admin.createAcls({ acl: acls.map(clientAcl) });
        await untilInForce(admin, acls.map(clientAcl));
      }),
    deleteTopics: (topics) =>
      administer('deleting topics', () => admin.deleteTopics({ topics: [...topics] })),
    deleteRecords: (topic, before) =>
      administer(`deleting records of ${topic}`, async () => {
        // The client looks for the leaders before it has the metadata of a topic that it has not met yet.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({
          topic,
          partitions: before.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        });
      }),
    committedOffsets: (groupId, topic) =>
      administer(`the committed offsets of group ${groupId}`, async () => {
        const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const committed = (answer?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
        return new Map(committed.map(({ partition, offset }) => [partition, Number(offset)]));
      }),
    close: () => admin.disconnect(),
  };
};

const createMissingTopics = (admin: ClientAdmin, topics: readonly TopicDeclaration[]) =>
  administer('creating topics', async () => {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ topic }) => !existing.has(topic));
    const names = missing.map(({ topic }) => topic);
    if (missing.length === 0) return names;
    await admin.createTopics({
      waitForLeaders: false,
      timeout: LEADERS_DEADLINE_MS,
      topics: missing.map(({ topic, partitions, replicationFactor, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    });
    await untilLed(admin, names);
    return names;
  });

/** The client's own wait gives up where a broker has not heard of the topic yet, which happens with KRaft. */
const untilLed = (admin: ClientAdmin, names: string[]) =>
  untilDeadline(Date.now() + LEADERS_DEADLINE_MS, 25, () =>
    attempt('the leaders of new topics', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      const led = topics.filter(
        ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
      );
      if (led.length < names.length)
        throw new RetryableError('kafka-no-leader', 'New topics have no leader yet');
    }),
  );

type ClientAcl = ReturnType<typeof clientAcl>;

const aclKey = (acl: Omit<ClientAcl, 'host'>): string =>
  [acl.resourceType, acl.resourceName, acl.resourcePatternType, acl.principal, acl.operation].join(' ');

const untilInForce = (admin: ClientAdmin, wanted: readonly ClientAcl[]) =>
  untilDeadline(Date.now() + LEADERS_DEADLINE_MS, 25, () =>
    attempt('the ACLs in force', async () => {
      const { resources } = await admin.describeAcls({
        resourceType: kafkajs.AclResourceTypes.ANY,
        resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
        permissionType: kafkajs.AclPermissionTypes.ANY,
        operation: kafkajs.AclOperationTypes.ANY,
      });
      const inForce = new Set(
        resources.flatMap(({ acls, ...resource }) => acls.map((acl) => aclKey({ ...resource, ...acl }))),
      );
      if (!wanted.every((acl) => inForce.has(aclKey(acl))))
        throw new RetryableError('kafka-acls-pending', 'New ACLs are not in force yet');
    }),
  );

const clientAcl = ({ principal, resource, name, match, operation }: AclDeclaration) => ({
  principal: `User:${principal}`,
  host: '*',
  resourceName: name,
  resourceType: {
    topic: kafkajs.AclResourceTypes.TOPIC,
    group: kafkajs.AclResourceTypes.GROUP,
    'transactional-id': kafkajs.AclResourceTypes.TRANSACTIONAL_ID,
    cluster: kafkajs.AclResourceTypes.CLUSTER,
  }[resource],
  resourcePatternType:
    match === 'literal' ? kafkajs.ResourcePatternTypes.LITERAL : kafkajs.ResourcePatternTypes.PREFIXED,
  permissionType: kafkajs.AclPermissionTypes.ALLOW,
  operation: {
    read: kafkajs.AclOperationTypes.READ,
    write: kafkajs.AclOperationTypes.WRITE,
    describe: kafkajs.AclOperationTypes.DESCRIBE,
    'describe-configs': kafkajs.AclOperationTypes.DESCRIBE_CONFIGS,
    'idempotent-write': kafkajs.AclOperationTypes.IDEMPOTENT_WRITE,
  }[operation],
});
