import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import { createTestWorld, RECIPIENT, type TestWorld, until } from '@causeway/testing/delivery-world';
import { createSecretEncryption, newSecret } from './secret-encryption.ts';
import { createSigner } from './signing.ts';
import { rangesOf } from './ssrf-policy.ts';
import type { WebhookResponse } from './webhook-client.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';

const HOUR = 3_600_000;
const encryption = createSecretEncryption(['the key of this test']);
let world: TestWorld;
let webhooks: Webhooks;
let answer: (id: string) => WebhookResponse;
const asked: { id: string; at: number }[] = [];

beforeEach(async () => {
  asked.length = 0;
  world = await createTestWorld();
  await world.database.migrate(new URL('../../migrations/', import.meta.url));
  webhooks = createWebhooks({
    database: world.database,
    inboxes: world.inboxes,
    reader: () => {
      throw new Error('nothing is redriven here');
    },
    producer: world.producer,
    decode: async (value) => ({
      data: { number: value?.[5] },
      schema: { type: 'record', name: 'View', fields: [{ name: 'number', type: 'int' }] },
    }),
    agreements: world.agreements,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    clock: world.clock,
    random: () => 0.5,
    watchOf: () => undefined,
    encryption,
    sending: {
      signer: createSigner(encryption),
      resolve: async () => ['1.1.1.1'],
      policy: { ranges: rangesOf([]), loopback: false },
      webhookClient: {
        post: async (_target, headers) => {
          const id = headers['webhook-id'] ?? '';
          asked.push({ id, at: world.clock.now() });
          return answer(id);
        },
      },
    },
  });
  await until(
    () =>
      webhooks.begin('sub', [0, 0]).then(
        () => true,
        () => false,
      ),
    'the tables are there',
  );
  await webhooks.subscriptions.add(
    {
      id: 'sub',
      organisation: RECIPIENT,
      endpoint: 'https://hooks.example.org/',
      types: null,
      filter: null,
      status: 'active',
      reason: null,
      expires: null,
      secret: encryption.encrypt(newSecret(), 'sub'),
      previous_secret: null,
      previous_until: null,
    },
    1,
  );
  webhooks.refresh();
});

afterEach(async () => {
  await webhooks.close();
  await world.close();
});

const said = (status: number): WebhookResponse => ({
  status,
  retryAfter: undefined,
  text: Buffer.alloc(0),
  durationMs: 1,
});

test('an event that is refused for three days is tried as published, then a dead letter, and its subject goes on', async () => {
  const bad = world.arrive({ person: 'ann', partition: 0 });
  const behind = world.arrive({ person: 'ann', partition: 0 });
  const other = world.arrive({ person: 'bob', partition: 1 });
  answer = (id) => said(id === bad ? 422 : 200);
  await until(() => asked.some(({ id }) => id === behind), 'the subject goes on');
  await until(() => asked.some(({ id }) => id === other), 'the other subject arrives');
  const tries = asked.filter(({ id }) => id === bad).map(({ at }) => at);
  const [first = 0] = tries;
  const hours = tries.map((at) => Math.round(((at - first) / HOUR) * 1000) / 1000);
  const s = 1 / 3600;
  const published = [0, 5 * s, 35 * s, 155 * s, 755 * s, 2555 * s].concat(
    [1, 4, 10, 22, 34, 46, 58, 70].map((hour) => hour + 2555 * s),
    72,
  );
  assert.deepEqual(
    hours,
    published.map((hour) => Math.round(hour * 1000) / 1000),
  );
  assert.deepEqual(
    world.deadLetters().map(({ headers }) => headers.ce_id?.toString()),
    [bad],
  );
  assert.equal(world.deadLetters()[0]?.headers['dl-reason']?.toString(), 'gave-up-client-error');
  assert.equal(asked.filter(({ id }) => id === other).length, 1);
});

test('an endpoint that is down for two days gets everything when it is back, in order', async () => {
  const begun = world.clock.now();
  answer = () =>
    world.clock.now() < begun + 48 * HOUR ? { code: 'econnrefused', durationMs: 1 } : said(200);
  const ids = ['ann', 'bob', 'ann', 'carl', 'ann', 'bob'].map((person) => world.arrive({ person }));
  const taken = () => [...new Set(asked.filter(({ at }) => at >= begun + 48 * HOUR).map(({ id }) => id))];
  await until(() => taken().length === ids.length, 'everything arrives');
  const order = (of: number[]) => of.map((index) => ids[index] ?? '');
  for (const subject of [order([0, 2, 4]), order([1, 5])])
    assert.deepEqual(
      taken().filter((id) => subject.includes(id)),
      subject,
    );
  assert.deepEqual(world.deadLetters(), []);
});
