/** The authorisation header of MESH, as NHS England publishes it: no secret of it goes over the wire. */
import { createHmac, randomUUID } from 'node:crypto';

export type MailboxLogin = { mailbox: string; password: string; sharedKey: string };

/**
 * Makes a new header for each request: `NHSMESH <mailbox>:<nonce>:<nonce count>:<UTC minute>:<HMAC-SHA256 in hex>`, where the hash under
 * the shared key covers the same parts and the mailbox's password.
 */
export const createAuthorisation = (
  { mailbox, password, sharedKey }: MailboxLogin,
  now: () => Date = () => new Date(),
  nonce: string = randomUUID(),
): (() => string) => {
  let count = -1;
  return () => {
    count += 1;
    const minute = now().toISOString().replace(/[-:T]/g, '').slice(0, 12);
    const hash = createHmac('sha256', sharedKey)
      .update(`${mailbox}:${nonce}:${count}:${password}:${minute}`)
      .digest('hex');
    return `NHSMESH ${mailbox}:${nonce}:${count}:${minute}:${hash}`;
  };
};
