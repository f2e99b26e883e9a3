import { Webhook } from 'standardwebhooks';
import type { CausewayEvent } from './event.ts';

export type { CausewayEvent } from './event.ts';

/** What a webhook brought is not from the gateway, or is older than five minutes. Answer 401. */
export class WebhookError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WebhookError';
  }
}

type Headers = Record<string, string | string[] | undefined> | { get(name: string): string | null };

/**
 * The event of a webhook, once its signature is found right. `body`: the bytes as they came, not parsed and written again.
 * `secrets`: that of the subscription; during a rotation also the one before.
 * @throws WebhookError
 */
export const verifyWebhook = <Data = Record<string, unknown>>(
  secrets: string | readonly string[],
  headers: Headers,
  body: string | Uint8Array,
): CausewayEvent<Data> => {
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, headerOf(headers, name)]),
  );
  const all = typeof secrets === 'string' ? [secrets] : secrets;
  let why = 'there is no secret';
  for (const secret of all) {
    try {
      return new Webhook(secret).verify(text, signed) as CausewayEvent<Data>;
    } catch (error) {
      why = error instanceof Error ? error.message : 'not signed';
    }
  }
  throw new WebhookError(`This is not a webhook of the gateway: ${why}`);
};

const headerOf = (headers: Headers, name: string): string => {
  const value =
    typeof headers.get === 'function'
      ? headers.get(name)
      : (headers as Record<string, string | string[]>)[name];
  return String(Array.isArray(value) ? value[0] : (value ?? ''));
};
