import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PermanentError, RetryableError } from '@causeway/runtime/errors';
import { isLoopback, mayCall, type SsrfPolicy } from './ssrf-policy.ts';

/** An endpoint and the one address that was checked and is connected to. */
export type Target = { url: URL; address: string };

/** All addresses of a name, in both families. @throws where it has none now */
export type Resolve = (name: string) => Promise<string[]>;

const LONGEST = 2_000;
/** What the parser leaves out or turns into something else, so that two readers of an address may read two hosts. */
const PASSED_OVER = /[\s\\\p{Cc}]/u;
const RESOLVE_MS = 3_000;

/**
 * The address of a partner's endpoint, written as it is meant: https, a name or a plain address, nothing else.
 * @throws PermanentError `endpoint-refused` that says why and does not quote it
 */
export const parseEndpoint = (text: string, policy: SsrfPolicy): URL => {
  if (text.length > LONGEST || !URL.canParse(text))
    throw refused('The endpoint is not an absolute https address.');
  if (PASSED_OVER.test(text)) throw refused('Leave out spaces, control characters and backslashes.');
  const url = new URL(text);
  const host = hostOf(url);
  const here = policy.loopback && (host === 'localhost' || isLoopback(host));
  if (url.protocol !== 'https:' && !(here && url.protocol === 'http:'))
    throw refused('Give an https address.');
  if (url.username !== '' || url.password !== '') throw refused('Leave out user name and password.');
  if (url.hash !== '') throw refused('Leave out the fragment.');
  if (url.port === '0') throw refused('Port 0 is not valid.');
  if (host.endsWith('.')) throw refused('Remove the dot at the end of the host.');
  if (writtenHost(text) !== url.hostname)
    throw refused('Write the host plainly: a name, or an address in its usual form.');
  if (isIP(host) === 0 && !here && !host.includes('.')) throw refused('Give the full name of the host.');
  if (isIP(host) !== 0 && !mayCall(host, policy)) throw refused('The host is not on the public internet.');
  return url;
};

/**
 * Resolves the name again and picks an address to connect to. One that is not allowed condemns them all: which of several is taken
 * must not be up to the name server.
 * @throws PermanentError `endpoint-refused`, RetryableError `name-not-resolved`
 */
export const resolveEndpoint = async (url: URL, policy: SsrfPolicy, resolve: Resolve): Promise<Target> => {
  const host = hostOf(url);
  if (isIP(host) !== 0) {
    if (!mayCall(host, policy)) throw refused('The host is not on the public internet.');
    return { url, address: host };
  }
  if (policy.loopback && host === 'localhost') return { url, address: '127.0.0.1' };
  const addresses = await resolve(host).catch(() => []);
  const [first] = addresses;
  if (first === undefined)
    throw new RetryableError('name-not-resolved', 'The host name cannot be resolved at the moment');
  const usable = url.protocol === 'https:' && addresses.every((address) => mayCall(address, policy));
  if (!usable) throw refused('The host name resolves to an address that is not on the public internet.');
  return { url, address: first };
};

/** Asks name servers only, not the hosts file, and without the thread pool that a silent server could fill. */
export const systemResolve: Resolve = async (name) => {
  const resolver = new Resolver({ timeout: RESOLVE_MS / 2, tries: 2 });
  const giveUp = setTimeout(() => resolver.cancel(), RESOLVE_MS);
  const none = () => [];
  try {
    const found = await Promise.all([
      resolver.resolve4(name).catch(none),
      resolver.resolve6(name).catch(none),
    ]);
    return found.flat();
  } finally {
    clearTimeout(giveUp);
  }
};

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/** The host as it was written: the parser turns `0x7f.1` and `2130706433` into addresses. */
const writtenHost = (text: string): string => {
  const authority = /^[a-z]+:\/\/([^/?#\\]*)/i.exec(text)?.[1] ?? '';
  return authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
};

const refused = (why: string) => new PermanentError('endpoint-refused', why);
