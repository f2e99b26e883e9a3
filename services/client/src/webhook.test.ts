import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { verifyWebhook } from './webhook.ts';

const SECRET = `whsec_${Buffer.alloc(32, 'a').toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 'b').toString('base64')}`;
const BODY = '{"id":"event-0","type":"uk.causeway.nhs.x.y.v1","data":{"ward":"Zoë"}}';

const signed = (at = new Date(), secret = SECRET) => ({
  'webhook-id': 'event-0',
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': new Webhook(secret).sign('event-0', at, BODY),
});

test('the event of a webhook that is signed is given, from text or bytes and any kind of headers', () => {
  for (const body of [BODY, Buffer.from(BODY)])
    for (const headers of [signed(), new Headers(signed())])
      assert.equal(verifyWebhook(SECRET, headers, body).id, 'event-0');
});

test('one of several secrets is enough, and two signatures are read', () => {
  assert.equal(verifyWebhook([OTHER, SECRET], signed(), BODY).id, 'event-0');
  const both = {
    ...signed(),
    'webhook-signature': `${signed(new Date(), OTHER)['webhook-signature']} ${signed()['webhook-signature']}`,
  };
  assert.equal(verifyWebhook(SECRET, both, BODY).id, 'event-0');
});

test('whatever is changed, old, unsigned or signed by somebody else is refused', () => {
  const refused = { name: 'WebhookError' };
  assert.throws(() => verifyWebhook(SECRET, signed(), BODY.replace('0', '1')), refused);
  assert.throws(() => verifyWebhook(OTHER, signed(), BODY), refused);
  assert.throws(() => verifyWebhook(SECRET, { ...signed(), 'webhook-id': 'event-1' }, BODY), refused);
  assert.throws(() => verifyWebhook(SECRET, {}, BODY), refused);
  assert.throws(() => verifyWebhook([], signed(), BODY), refused);
  for (const minutes of [-6, 6])
    assert.throws(
      () => verifyWebhook(SECRET, signed(new Date(Date.now() + minutes * 60_000)), BODY),
      refused,
    );
});
