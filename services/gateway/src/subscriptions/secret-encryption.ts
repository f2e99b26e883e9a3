import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { PermanentError } from '@causeway/runtime/errors';

/** Keeps the secrets of subscriptions unreadable at rest: AES-256-GCM, bound to the subscription. */
export type Sealing = {
  seal(secret: string, subscription: string): Buffer;
  /** @throws PermanentError `secret-unreadable` where no key that is known here made it */
  open(sealed: Buffer, subscription: string): string;
  /** The same sealed by the first key, or undefined where it is already or where no key here opens it. */
  again(sealed: Buffer, subscription: string): Buffer | undefined;
};

const ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The first key seals, all of them open: so a key is changed by putting the new one first. */
export const createSealing = (keys: readonly string[]): Sealing => {
  const made = keys.map((text) => {
    const key = Buffer.from(hkdfSync('sha256', text, '', 'causeway webhook secrets', 32));
    return { key, id: createHash('sha256').update(key).digest().subarray(0, ID_BYTES) };
  });
  const sealing: Sealing = {
    seal(secret, subscription) {
      const [first] = made;
      if (first === undefined) throw new PermanentError('configuration', 'there is no key for secrets');
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(subscription));
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([first.id, nonce, cipher.getAuthTag(), sealed]);
    },
    open(sealed, subscription) {
      const found = made.find(({ id }) => id.equals(sealed.subarray(0, ID_BYTES)));
      const [nonceAt, tagAt, textAt] = [ID_BYTES, ID_BYTES + NONCE_BYTES, ID_BYTES + NONCE_BYTES + TAG_BYTES];
      try {
        if (found === undefined) throw new Error('no such key');
        const cipher = createDecipheriv('aes-256-gcm', found.key, sealed.subarray(nonceAt, tagAt), {
          authTagLength: TAG_BYTES,
        });
        cipher.setAAD(Buffer.from(subscription)).setAuthTag(sealed.subarray(tagAt, textAt));
        return Buffer.concat([cipher.update(sealed.subarray(textAt)), cipher.final()]).toString('utf8');
      } catch (cause) {
        throw new PermanentError(
          'secret-unreadable',
          'a secret was sealed with a key that is not known here',
          { cause },
        );
      }
    },
    again(sealed, subscription) {
      const id = sealed.subarray(0, ID_BYTES);
      const isFirst = made[0]?.id.equals(id) ?? true;
      if (isFirst || !made.some((key) => key.id.equals(id))) return undefined;
      return sealing.seal(sealing.open(sealed, subscription), subscription);
    },
  };
  return sealing;
};

/** A new secret of a subscription, as Standard Webhooks writes it: 32 random bytes. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
