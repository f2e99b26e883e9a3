import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { SecretEncryption } from './secret-encryption.ts';
import type { Stored } from './subscription-store.ts';

type Secrets = Pick<Stored, 'id' | 'secret' | 'previous_secret' | 'previous_until'>;

/**
 * Signs by Standard Webhooks 1.0: HMAC-SHA256 over id, time and body. Node's own HMAC, because that of the reference library is written in
 * JavaScript; what it makes is compared with the library in a test. A secret is opened once as long as its subscription is held.
 */
export type Signer = {
  /** The header `webhook-signature`. @throws PermanentError `secret-unreadable` */
  sign(secrets: Secrets, id: string, at: Date, body: Buffer): string;
};

export const createSigner = (encryption: Pick<SecretEncryption, 'decrypt'>): Signer => {
  const opened = new WeakMap<Buffer, KeyObject>();

  const keyOf = (encrypted: Buffer, subscription: string): KeyObject => {
    const known = opened.get(encrypted);
    if (known !== undefined) return known;
    const secret = encryption.decrypt(encrypted, subscription);
    const key = createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
    opened.set(encrypted, key);
    return key;
  };

  return {
    sign(secrets, id, at, body) {
      const before = `${id}.${secondsOf(at)}.`;
      return secretsOf(secrets, at)
        .map((encrypted) => createHmac('sha256', keyOf(encrypted, secrets.id)).update(before).update(body))
        .map((mac) => `v1,${mac.digest('base64')}`)
        .join(' ');
    },
  };
};

export const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1_000);

/** The previous secret signs too until its time: a receiver can change over without losing an event. */
const secretsOf = ({ secret, previous_secret, previous_until }: Secrets, at: Date): Buffer[] =>
  previous_secret !== null && previous_until !== null && previous_until > at
    ? [secret, previous_secret]
    : [secret];
