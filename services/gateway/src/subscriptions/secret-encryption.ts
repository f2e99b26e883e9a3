import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { PermanentError } from '@causeway/runtime/errors';

/** Keeps the secrets of subscriptions unreadable at rest: AES-256-GCM, bound to the subscription. */
export type SecretEncryption = {
  encrypt(secret: string, subscription: string): Buffer;
  /** @throws PermanentError `secret-unreadable` where no known key decrypts it */
  decrypt(encrypted: Buffer, subscription: string): string;
  /** The same secret encrypted with the first key; undefined where it already is or where no key here decrypts it. */
  reencrypt(encrypted: Buffer, subscription: string): Buffer | undefined;
};

const ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The first key encrypts, all of them decrypt: to change the key, put the new one first. */
export const createSecretEncryption = (keys: readonly string[]): SecretEncryption => {
  const made = keys.map((text) => {
    const key = Buffer.from(hkdfSync('sha256', text, '', 'causeway webhook secrets', 32));
    return { key, id: createHash('sha256').update(key).digest().subarray(0, ID_BYTES) };
  });
  const encryption: SecretEncryption = {
    encrypt(secret, subscription) {
      const [first] = made;
      if (first === undefined) throw new PermanentError('configuration', 'no key for secrets is configured');
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(subscription));
      const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([first.id, nonce, cipher.getAuthTag(), encrypted]);
    },
    decrypt(encrypted, subscription) {
      const found = made.find(({ id }) => id.equals(encrypted.subarray(0, ID_BYTES)));
      const [nonceAt, tagAt, textAt] = [ID_BYTES, ID_BYTES + NONCE_BYTES, ID_BYTES + NONCE_BYTES + TAG_BYTES];
      try {
        if (found === undefined) throw new Error('no such key');
        const cipher = createDecipheriv('aes-256-gcm', found.key, encrypted.subarray(nonceAt, tagAt), {
          authTagLength: TAG_BYTES,
        });
        cipher.setAAD(Buffer.from(subscription)).setAuthTag(encrypted.subarray(tagAt, textAt));
        return Buffer.concat([cipher.update(encrypted.subarray(textAt)), cipher.final()]).toString('utf8');
      } catch (cause) {
        throw new PermanentError(
          'secret-unreadable',
          'a secret was encrypted with a key that is not configured here',
          { cause },
        );
      }
    },
    reencrypt(encrypted, subscription) {
      const id = encrypted.subarray(0, ID_BYTES);
      const isFirst = made[0]?.id.equals(id) ?? true;
      if (isFirst || !made.some((key) => key.id.equals(id))) return undefined;
      return encryption.encrypt(encryption.decrypt(encrypted, subscription), subscription);
    },
  };
  return encryption;
};

/** A new secret of a subscription, as Standard Webhooks writes it: 32 random bytes. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
