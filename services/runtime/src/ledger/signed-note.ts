import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { PermanentError } from '../errors.ts';

/**
 * Signed notes as https://c2sp.org/signed-note has them, with ed25519 (signature type 1): text that ends with a line
 * break, an empty line, and one line for each signature: `— <name> <base64 of key id and signature>`.
 */

const ED25519 = 1;
const SEED_BYTES = 32;
/** DER of an ed25519 private key (RFC 8410), up to the seed itself; of a public key, up to its 32 bytes. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

export type NoteSigner = {
  /** The note for a text; both end with a line break. @throws PermanentError `not-a-note` for a text that cannot be one */
  sign(text: string): string;
  /** Published, so that anybody can check notes: `<name>+<key id>+<base64 of type and public key>`. */
  verifierKey: string;
  /** Of every key that signs, that one first. */
  verifierKeys: readonly string[];
};

/**
 * @param seeds the private key: 32 bytes, in base64url; or several, each of which signs every note, so that whoever knows one of them
 * can follow a change of keys
 * @throws PermanentError `configuration`
 */
export const createNoteSigner = (name: string, seeds: string | readonly string[]): NoteSigner => {
  const keys = [seeds].flat().map((seed) => keyOf(name, seed));
  const verifierKeys = keys.map(({ verifierKey }) => verifierKey);
  const [verifierKey = ''] = verifierKeys;
  return {
    verifierKey,
    verifierKeys,
    sign: (text) => {
      if (!isText(text)) throw new PermanentError('not-a-note', 'A note is text that ends with a line break');
      return `${text}\n${keys.map((key) => key.sign(text)).join('')}`;
    },
  };
};

const keyOf = (name: string, seed: string): { verifierKey: string; sign(text: string): string } => {
  const bytes = Buffer.from(seed, 'base64url');
  if (bytes.length !== SEED_BYTES)
    throw new PermanentError('configuration', 'The signing key is 32 random bytes in base64url');
  if (!isName(name)) throw new PermanentError('configuration', 'A signer has a name without spaces and +');
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_DER, bytes]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length);
  const typed = Buffer.concat([Buffer.from([ED25519]), publicKey]);
  const id = keyId(name, typed);
  return {
    verifierKey: `${name}+${id.toString('hex')}+${typed.toString('base64')}`,
    sign: (text) =>
      `— ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString('base64')}\n`,
  };
};

/** What checks notes; made from a published verifier key. It counts from the one time to the other, milliseconds. */
export type NoteVerifier = { name: string; id: Buffer; key: KeyObject; from: number; until: number };

/**
 * Reads published keys: one a line, `<verifier key>[ from <time>][ until <time>]`, as the file `verifier.txt` has them.
 * @throws PermanentError `configuration`
 */
export const noteVerifiers = (text: string): NoteVerifier[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, key = '', from, until] = /^\s*(\S+)(?: from (\S+))?(?: until (\S+))?\s*$/.exec(line) ?? [];
      return {
        ...noteVerifier(key),
        from: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
        until: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until),
      };
    });

/** One key that always counts. @throws PermanentError `configuration` */

export const noteVerifier = (verifierKey: string): NoteVerifier => {
  const wrong = new PermanentError(
    'configuration',
    'A verifier key reads <name>+<key id>+<base64>, as the console publishes it',
  );
  const [, name = '', hex = '', base64 = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(verifierKey.trim()) ?? [];
  const typed = Buffer.from(base64, 'base64');
  if (typed.length !== SEED_BYTES + 1 || typed[0] !== ED25519 || typed.toString('base64') !== base64)
    throw wrong;
  const id = keyId(name, typed);
  if (id.toString('hex') !== hex) throw wrong;
  const der = Buffer.concat([PUBLIC_DER, typed.subarray(1)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return { name, id, key, from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
};

/** The text of a note and whose signature of the given ones it has, or what is wrong with it. Others' are passed over. */
export const openNote = (
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; signedBy: string } | { problem: string } => {
  const cut = note.lastIndexOf('\n\n');
  const text = note.slice(0, cut + 1);
  const signatures = note.slice(cut + 2);
  if (cut < 0 || !isText(text) || !signatures.endsWith('\n')) return { problem: 'it is no signed note' };
  let signedBy: string | undefined;
  for (const line of signatures.slice(0, -1).split('\n')) {
    const [, name, base64 = ''] = /^— (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    if (name === undefined) return { problem: 'a line of its signatures is not one' };
    const signature = Buffer.from(base64, 'base64');
    // Base64 has bits that say nothing: only the one spelling counts.
    if (signature.toString('base64') !== base64) return { problem: 'a line of its signatures is not one' };
    const known = verifiers.find(
      (verifier) => verifier.name === name && verifier.id.equals(signature.subarray(0, 4)),
    );
    if (!known) continue;
    if (!verify(null, Buffer.from(text), known.key, signature.subarray(4)))
      return { problem: `the signature of ${name} is not that of this text` };
    signedBy = name;
  }
  return signedBy === undefined ? { problem: 'no known key has signed it' } : { text, signedBy };
};

const keyId = (name: string, typedKey: Buffer): Buffer =>
  createHash('sha256').update(`${name}\n`).update(typedKey).digest().subarray(0, 4);

const isName = (name: string): boolean => /^[^\s+\p{Cc}]+$/u.test(name);

/** The format forbids the ASCII control characters other than the line feed. */
const isText = (text: string): boolean => text.endsWith('\n') && !/[\p{Cc}--[\n\x7f-\x9f]]/v.test(text);
