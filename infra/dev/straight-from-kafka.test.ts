import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createCodec } from '@causeway/runtime/avro/codec';
import { topology } from '@causeway/runtime/bus/acls';
import { encodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { deriveView } from '@causeway/schemas/disclosure/view';
import { testKafka, testToken, testVariable } from '@causeway/testing/bus';
import { repository } from '../common/paths.ts';
import { java, javaEnvironment, kafkaJars } from './backing-services/java.ts';

/** The example of docs/subscribing.md: a partner reads its inbox with its own log-in and Kafka's own Java client. */

const run = promisify(execFile);
const ORGANISATION = 'test-org-a';
const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const guide = readFileSync(join(repository, 'docs/subscribing.md'), 'utf8');
const script = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)]
  .map(([, code = '']) => code)
  .find((code) => code.includes('ConsoleConsumer'));

let kafka: Kafka;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'causeway-kafka-example-'));
  kafka = testKafka();
  const admin = await kafka.admin();
  const { topics, acls } = topology([ORGANISATION, 'test-org-b'], {
    replicationFactor: 1,
    minInSyncReplicas: 1,
  });
  await admin.createTopics(topics);
  await admin.createAcls(acls);
  await admin.close();
});

after(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true, force: true });
});

const consume = (inboxOf: string) =>
  run(
    'sh',
    [
      '-c',
      (script ?? '').replaceAll('inbox.$ORGANISATION', `inbox.${inboxOf}`).replace('java ', `"${java}" `),
    ],
    {
      cwd: folder,
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        ...javaEnvironment(),
        ORGANISATION,
        GROUP: `${ORGANISATION}.reader-${randomBytes(4).toString('hex')}`,
        KAFKA_PASSWORD: testVariable('ORG_A_PASSWORD'),
        KAFKA_BROKERS: testVariable('KAFKA_BROKERS'),
        KAFKA_JARS: kafkaJars,
      },
    },
  );

test('the Java console consumer reads committed events of its own inbox, which its view decodes', async () => {
  assert.ok(script);
  const codec = createCodec(
    { registryUrl: testVariable('SCHEMA_REGISTRY_URL') },
    createLogger('test', 'silent'),
  );
  const eventType = loadCatalogue().find(({ type }) => type === TYPE);
  assert.ok(eventType);
  const { schema, example } = eventType;
  const name = { recipient: ORGANISATION, type: TYPE, agreements: ['an-agreement/1'] };
  const view = deriveView(schema, { leaves: ['visitId'], generalise: {} }, name);
  const viewId = await codec.register(`view.${ORGANISATION}.${TYPE}`, view, 'NONE');
  const { contact, visitId } = example.data as { contact: object; visitId: string };
  const value = await codec.encode(viewId, { contact, visitId });
  const recordOf = (id: string) => ({
    topic: topicsOf(ORGANISATION).inbox,
    partition: 0,
    key: testToken(id),
    value,
    headers: encodeHeaders(
      {
        id,
        source: '/a-trust/adt',
        type: TYPE,
        time: '2026-11-23T09:00:00Z',
        subject: testToken(id),
        tokens: [],
        otherTokens: [],
        classification: 'OFFICIAL',
        handling: [],
        exclude: [],
        replay: false,
        agreement: ['an-agreement/1'],
      },
      'inbox',
    ),
  });
  const [kept, aborted] = [randomBytes(16).toString('base64url'), randomBytes(16).toString('base64url')];
  const writer = await kafka.writer(`exchange.lane.test-${randomBytes(4).toString('hex')}`);
  const refusal = new Error('aborted on purpose');
  await writer
    .write([recordOf(aborted)], () => {
      throw refusal;
    })
    .catch((error) => assert.equal(error, refusal));
  await writer.write([recordOf(kept)]);
  const { stdout } = await consume(ORGANISATION);
  const line = stdout.split('\n').find((one) => one.includes(`ce_id:${kept}`));
  assert.ok(line, 'the event was not read');
  assert.ok(!stdout.includes(aborted), 'an aborted event was read');
  const [, key, printed = ''] = line.split('\t');
  assert.equal(key, testToken(kept));
  const bytes = Buffer.from(
    printed.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  const { id, data } = await codec.decode(bytes);
  assert.deepEqual([id, Object.keys(data as object)], [viewId, ['contact', 'visitId']]);
});

test('the broker refuses the same log-in the inbox of somebody else', async () => {
  const { stdout, stderr } = await consume('test-org-b').catch(
    (error) => error as { stdout: string; stderr: string },
  );
  assert.match(`${stdout}${stderr}`, /Not authorized to access topics|TopicAuthorizationException/);
});
