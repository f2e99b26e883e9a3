import { randomBytes } from 'node:crypto';
import { checked, parsed } from '../http/body.ts';
import { callerOf } from '../http/guard.ts';
import { withInbox } from '../reading/current-page.ts';
import { answerText } from './answer-text.ts';
import { outcomeOf, sendSigned } from './deliver.ts';
import { changed, expired, onOwn, shown } from './own-subscription.ts';
import { newSecret } from './secret-encryption.ts';
import { REDRIVE_MOST, redriveBody, replayBody } from './subscription-body.ts';

/** How long the old secret signs beside the new one. */
export const ROTATION_HOURS = 24;
const TEST_TYPE = 'uk.causeway.gateway.test.v1';

/** POST …/pause: nothing is sent, everything is kept. */
export const pauseSubscription = onOwn(async (parts, stored, _request, response) => {
  if (stored.status === 'expired') throw expired();
  response.json(shown(await changed(parts, stored, { status: 'paused', reason: null })));
});

/** POST …/resume: continues where it stopped, also after a 410 response. */
export const resumeSubscription = onOwn(async (parts, stored, _request, response) => {
  if (stored.expires !== null && stored.expires.getTime() <= parts.now()) throw expired();
  await parts.webhooks.resetCircuit(stored.id);
  response.json(shown(await changed(parts, stored, { status: 'active', reason: null })));
});

/** POST …/rotate-secret: the new secret; the old one signs beside it for a day. */
export const rotateSecret = onOwn(async (parts, stored, _request, response) => {
  const secret = newSecret();
  const after = await changed(parts, stored, {
    secret: parts.encryption.encrypt(secret, stored.id),
    previous_secret: stored.secret,
    previous_until: new Date(parts.now() + ROTATION_HOURS * 3_600_000),
  });
  response.json({ ...shown(after), secret });
});

/** POST …/test: sends one event that is about no person, now, and returns the response of the endpoint. */
export const testSubscription = onOwn(async (parts, stored, _request, response) => {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const id = `test_${randomBytes(12).toString('base64url')}`;
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    source: '/causeway/gateway',
    type: TEST_TYPE,
    time: new Date(parts.now()).toISOString(),
    datacontenttype: 'application/json',
    data: { subscription: stored.id },
  });
  const sent = await sendSigned(parts.webhooks.sending, stored, {
    id,
    body: Buffer.from(body),
    signal: left.signal,
  });
  const outcome = outcomeOf(sent, parts.now());
  response.json({
    id,
    delivered: outcome.outcome === 'delivered',
    code: 'code' in outcome ? (outcome.code ?? 'ok') : 'ok',
    status: 'status' in sent ? sent.status : null,
    durationMs: sent.durationMs,
    answer: sent.text.length > 0 ? answerText(sent.text, {}) : null,
  });
});

/** POST …/redrive: dead letters once more, under the agreements as they are now. */
export const redriveSubscription = onOwn(async (parts, stored, request, response) => {
  const { dryRun = false, events } = checked(redriveBody, parsed(request.body));
  const question = { limit: REDRIVE_MOST, events, openOnly: events === undefined };
  const letters = await parts.webhooks.deadLetters.list(stored.organisation, stored.id, question);
  const redriven =
    dryRun || letters.length === 0
      ? null
      : await parts.webhooks.redrive(
          { organisation: stored.organisation, subscription: stored.id, by: callerOf(response).clientId },
          letters,
        );
  response.status(dryRun ? 200 : 202).json({
    dryRun,
    count: letters.length,
    events: letters.map((one) => one.event_id),
    request: redriven,
  });
});

/** POST …/replay: everything that came at that time or later, once more. */
export const replaySubscription = onOwn(async (parts, stored, request, response) => {
  const from = Date.parse(checked(replayBody, parsed(request.body)).from);
  const heads = await withInbox(parts.reading, stored.organisation, (inbox) => inbox.since(from));
  await parts.webhooks.replay(stored.id, heads);
  response.status(202).json({ from: new Date(from).toISOString() });
});
