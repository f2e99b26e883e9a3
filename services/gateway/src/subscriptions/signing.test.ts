import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@causeway/runtime/delivery/subscription';
import { Webhook } from 'standardwebhooks';
import { answerText } from './answer-text.ts';
import { outcomeOf, sendSigned } from './deliver.ts';
import { createSecretEncryption, newSecret } from './secret-encryption.ts';
import { createSigner } from './signing.ts';
import { rangesOf } from './ssrf-policy.ts';

test('an encrypted secret is decrypted with its key and for its subscription only', () => {
  const encryption = createSecretEncryption(['the key of this test']);
  const secret = newSecret();
  const encrypted = encryption.encrypt(secret, 'sub_a');
  assert.equal(encryption.decrypt(encrypted, 'sub_a'), secret);
  assert.ok(!encrypted.includes(secret.slice(6)));
  assert.throws(() => encryption.decrypt(encrypted, 'sub_b'), { code: 'secret-unreadable' });
  assert.throws(() => createSecretEncryption(['another key of this test']).decrypt(encrypted, 'sub_a'), {
    code: 'secret-unreadable',
  });
  const broken = Buffer.from(encrypted);
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  assert.throws(() => encryption.decrypt(broken, 'sub_a'), { code: 'secret-unreadable' });
  const rotated = createSecretEncryption(['the key that comes after it', 'the key of this test']);
  assert.equal(rotated.decrypt(encrypted, 'sub_a'), secret);
  assert.throws(() => encryption.decrypt(rotated.encrypt(secret, 'sub_a'), 'sub_a'), {
    code: 'secret-unreadable',
  });
});

test('once secrets were encrypted again the old key can go', () => {
  const [old, fresh] = ['the key of before', 'the key of afterwards'];
  const secret = newSecret();
  const encrypted = createSecretEncryption([old]).encrypt(secret, 'sub_a');
  const both = createSecretEncryption([fresh, old]);
  const again = both.reencrypt(encrypted, 'sub_a');
  assert.equal(createSecretEncryption([fresh]).decrypt(again ?? encrypted, 'sub_a'), secret);
  assert.equal(both.reencrypt(again ?? encrypted, 'sub_a'), undefined);
  assert.equal(createSecretEncryption([fresh]).reencrypt(encrypted, 'sub_a'), undefined);
});

// From the test suite of the Standard Webhooks libraries (MIT), https://github.com/standard-webhooks/standard-webhooks.
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  at: 1614265330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

test('events are signed as the published vector of Standard Webhooks says, with both secrets during a rotation', async () => {
  const encryption = createSecretEncryption(['the key of this test']);
  const next = newSecret();
  const sent: Record<string, string>[] = [];
  const parts = {
    signer: createSigner(encryption),
    resolve: async () => ['1.1.1.1'],
    policy: { ranges: rangesOf([]), loopback: false },
    clock: { ...systemClock, now: () => VECTOR.at * 1000 },
    webhookClient: {
      post: async (_target: unknown, headers: Record<string, string>) => {
        sent.push(headers);
        return { status: 200, retryAfter: undefined, text: Buffer.alloc(0), durationMs: 1 };
      },
    },
  };
  const stored = {
    id: 'sub',
    endpoint: 'https://hooks.example.org/',
    secret: encryption.encrypt(VECTOR.secret, 'sub'),
  };
  const message = { id: VECTOR.id, body: Buffer.from(VECTOR.body), signal: new AbortController().signal };
  await sendSigned(parts, { ...stored, previous_secret: null, previous_until: null }, message);
  const rotating = {
    ...stored,
    secret: encryption.encrypt(next, 'sub'),
    previous_secret: stored.secret,
    previous_until: new Date(VECTOR.at * 1000 + 1),
  };
  await sendSigned(parts, rotating, message);
  await sendSigned(parts, { ...rotating, previous_until: new Date(VECTOR.at * 1000) }, message);
  const own = new Webhook(next).sign(VECTOR.id, new Date(VECTOR.at * 1000), VECTOR.body);
  assert.deepEqual(
    sent.map((headers) => headers['webhook-signature']),
    [VECTOR.signature, `${own} ${VECTOR.signature}`, own],
  );
  assert.deepEqual([sent[0]?.['webhook-id'], sent[0]?.['webhook-timestamp']], [VECTOR.id, String(VECTOR.at)]);
});

test('what an endpoint answers is kept without numbers, addresses, keys or any word of the event', () => {
  const data = {
    person: { name: { family: 'Featherstonehaugh', given: ['Zoë'] }, note: 'seen at Elm Road' },
  };
  const said =
    'Cannot save FEATHERSTONEHAUGH, Zoë of elm road\n(9434765919): a.b@c.example token eyJhbGciOiJIUzI1NiJ9aaaaaaaa';
  assert.equal(answerText(Buffer.from(said), data), 'Cannot save …, … of … … (##########): … token …');
  assert.ok(answerText(Buffer.alloc(4_096, 'no '), data).length <= 200);
});

test('success is 2xx only, 410 ends, 429 and 503 say when', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  const answer = (status: number, retryAfter?: string) =>
    outcomeOf({ status, retryAfter, text: Buffer.alloc(0), durationMs: 1 }, now);
  for (const status of [200, 201, 202, 204, 299])
    assert.equal(answer(status).outcome, 'delivered', String(status));
  for (const status of [100, 301, 302, 307, 308, 400, 401, 404, 500, 502, 503, 504])
    assert.equal(answer(status).outcome, 'retry', String(status));
  assert.equal(answer(410).outcome, 'gone');
  const after = (status: number, text?: string) => (answer(status, text) as { afterMs?: number }).afterMs;
  assert.equal(after(429, '120'), 120_000);
  assert.equal(after(503, 'Tue, 24 Nov 2026 12:05:00 GMT'), 300_000);
  assert.equal(after(503, 'soon'), undefined);
  assert.equal(after(429, '99999999'), 86_400_000);
  assert.equal(after(500, '120'), undefined);
});
