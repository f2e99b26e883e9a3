import type { Envelope } from '@causeway/runtime/bus/envelope';
import type { Attempt, Clock, DeliveryOutcome } from '@causeway/runtime/delivery/subscription';
import { errorCode } from '@causeway/runtime/errors';
import { attributesText } from '../events/cloud-event.ts';
import { answerText } from './answer-text.ts';
import { parseEndpoint, type Resolve, resolveEndpoint } from './endpoint.ts';
import { type Signer, secondsOf } from './signing.ts';
import type { SsrfPolicy } from './ssrf-policy.ts';
import type { Filter, Stored } from './subscription-store.ts';
import type { WebhookClient, WebhookResponse } from './webhook-client.ts';

export type SendingParts = {
  webhookClient: Pick<WebhookClient, 'post'>;
  resolve: Resolve;
  policy: SsrfPolicy;
  signer: Signer;
  clock: Clock;
};

export type Sent = WebhookResponse & { text: Buffer };

const EVENT_JSON = 'application/cloudevents+json';
const NOTHING = Buffer.alloc(0);

type Called = Pick<Stored, 'id' | 'endpoint' | 'secret' | 'previous_secret' | 'previous_until'>;

/** Signs a body by Standard Webhooks 1.0 and sends it once. An address that may not be called counts as a failure. */
export const sendSigned = async (
  { webhookClient, resolve, policy, signer, clock }: SendingParts,
  stored: Called,
  { id, body, signal, traceparent }: { id: string; body: Buffer; signal: AbortSignal; traceparent?: string },
): Promise<Sent> => {
  const begun = performance.now();
  try {
    const target = await resolveEndpoint(urlOf(stored, policy), policy, resolve);
    const at = new Date(clock.now());
    const headers = {
      'content-type': EVENT_JSON,
      'user-agent': 'causeway-gateway/1',
      'webhook-id': id,
      'webhook-timestamp': String(secondsOf(at)),
      'webhook-signature': signer.sign(stored, id, at, body),
      ...(traceparent !== undefined && { traceparent }),
    };
    return { text: NOTHING, ...(await webhookClient.post(target, headers, body, signal)) };
  } catch (error) {
    return { code: errorCode(error), durationMs: Math.round(performance.now() - begun), text: NOTHING };
  }
};

/** What an endpoint is written as never changes; where its name leads is asked at every attempt. */
const urls = new WeakMap<Called, URL>();

const urlOf = (stored: Called, policy: SsrfPolicy): URL => {
  const url = urls.get(stored) ?? parseEndpoint(stored.endpoint, policy);
  urls.set(stored, url);
  return url;
};

/** Waits that are short are waited for; longer ones leave the circuit to find out. */
const SHORT_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** The event itself is what the endpoint cannot take. */
const ABOUT_THE_EVENT = [400, 409, 413, 415, 422];

/** Hands events of one subscription to its endpoint. `answered` hears what it said, cleared of what the event holds. */
export const delivererOf = (
  parts: SendingParts,
  stored: Stored,
  answered: (position: string, text: string) => void,
): ((attempt: Attempt) => Promise<DeliveryOutcome>) => {
  const { clock } = parts;
  let quietUntil = 0;

  return async ({ event, data, position, signal, traceparent }) => {
    if (stored.expires !== null && stored.expires.getTime() <= clock.now())
      return { outcome: 'gone', code: 'expired' };
    if (!matchesData(stored.filter, data)) return { outcome: 'not-wanted' };
    const quiet = quietUntil - clock.now();
    if (quiet > SHORT_WAIT_MS) return { outcome: 'unreachable', code: 'asked-to-wait', afterMs: quiet };
    if (quiet > 0) await clock.wait(quiet, signal);
    const body = Buffer.from(`${attributesText(event, position)}${JSON.stringify(data)}}`);
    const sent = await sendSigned(parts, stored, {
      id: event.id,
      body,
      signal,
      ...(traceparent !== undefined && { traceparent }),
    });
    signal.throwIfAborted();
    if (sent.text.length > 0)
      answered(position, answerText(sent.text, { data, id: event.id, subject: event.subject }));
    const outcome = outcomeOf(sent, clock.now());
    if (outcome.outcome === 'retry' && outcome.afterMs !== undefined)
      quietUntil = Math.max(quietUntil, clock.now() + outcome.afterMs);
    return outcome;
  };
};

/** Success is 2xx and nothing else. */
export const outcomeOf = (answer: WebhookResponse, now: number): DeliveryOutcome => {
  if ('code' in answer) return { outcome: 'retry', code: answer.code, blame: 'receiver' };
  const status = String(answer.status);
  if (answer.status >= 200 && answer.status <= 299) return { outcome: 'delivered', status };
  if (answer.status === 410) return { outcome: 'gone', code: 'gone', status };
  const afterMs = [429, 503].includes(answer.status) ? retryAfterMs(answer.retryAfter, now) : undefined;
  // It has said when it is there again: the circuit has nothing to find out.
  if (afterMs !== undefined) return { outcome: 'retry', code: 'asked-to-wait', status, afterMs };
  const blame = ABOUT_THE_EVENT.includes(answer.status) ? 'event' : 'receiver';
  return { outcome: 'retry', code: kindOf(answer.status), status, blame };
};

const kindOf = (status: number): string => {
  if (status < 300) return 'not-an-answer';
  if (status < 400) return 'redirect';
  return status < 500 ? 'client-error' : 'server-error';
};

/** Seconds or a date, RFC 9110. */
const retryAfterMs = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
};

/** What can be told of an event before its data are read. */
export const wantsOf =
  ({ types, filter }: Pick<Stored, 'types' | 'filter'>) =>
  ({ type, subject }: Envelope): boolean =>
    (types === null || types.includes(type)) &&
    (filter?.type === undefined || filter.type === type) &&
    (filter?.subject === undefined || filter.subject === subject);

export const ATTRIBUTES: readonly string[] = ['type', 'subject'];

const matchesData = (filter: Filter | null, data: unknown): boolean =>
  Object.entries(filter ?? {}).every(
    ([name, value]) =>
      ATTRIBUTES.includes(name) || (data as Record<string, unknown> | null)?.[name] === value,
  );
