import { hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import type { BrowserSession, Person } from '../access/viewer.ts';

/** What has to come back from the OpenID provider's page unchanged. */
export type Attempt = { state: string; nonce: string; verifier: string; returnTo: string };

export const SESSION_MS = 8 * 60 * 60 * 1000;
export const ATTEMPT_MS = 10 * 60 * 1000;

export type Sessions = ReturnType<typeof createSessions>;

/**
 * Sessions are kept in the browser, encrypted: AES-256-GCM encrypts and authenticates them in one step (JWE `dir`),
 * so nothing in them can be read or changed. BrowserSession and log-in attempt have keys of their own, so neither
 * is ever taken for the other. A session is made at log-in and at no other time.
 */
export function createSessions(sessionKeys: string | readonly string[], now: () => number) {
  const sessionCipher = createCipher([sessionKeys].flat(), 'causeway console session', now);
  const attemptCipher = createCipher([sessionKeys].flat(), 'causeway console log-in attempt', now);
  const ended = new Map<string, number>();

  return {
    async begin(person: Person): Promise<string> {
      const session = { ...person, id: randomBytes(16).toString('base64url'), csrf: newCsrfToken() };
      return await sessionCipher.encrypt(session, SESSION_MS);
    },

    async open(cookie: string | undefined): Promise<BrowserSession | undefined> {
      const content = await sessionCipher.decrypt(cookie);
      if (content === undefined || ended.has(String(content.id))) return undefined;
      return content as unknown as BrowserSession;
    },

    /** A kept copy of the cookie is refused as well, for as long as this process runs. */
    end(session: BrowserSession): void {
      for (const [id, expiresAt] of ended) if (expiresAt <= now()) ended.delete(id);
      ended.set(session.id, session.expiresAt);
    },

    async beginAttempt(attempt: Attempt): Promise<string> {
      return await attemptCipher.encrypt(attempt, ATTEMPT_MS);
    },

    async openAttempt(cookie: string | undefined): Promise<Attempt | undefined> {
      return (await attemptCipher.decrypt(cookie)) as unknown as Attempt | undefined;
    },
  };
}

function newCsrfToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Whether a form carries the token of the session that it was rendered for. */
export function isOwnForm(session: BrowserSession, csrf: unknown): boolean {
  if (typeof csrf !== 'string') return false;
  const given = Buffer.from(csrf);
  const expected = Buffer.from(session.csrf);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/**
 * The path to return to after log-in. Only the console's own pages, and the paths below them, are known, so that a link to the log-in
 * page cannot lead elsewhere, however it is spelt.
 */
export function ownPath(candidate: unknown, pages: readonly string[], home: string): string {
  if (typeof candidate !== 'string' || !candidate.startsWith('/')) return home;
  const url = URL.parse(candidate, 'http://console.invalid');
  const isOwn = (page: string) => url?.pathname === page || url?.pathname.startsWith(`${page}/`);
  if (url?.origin !== 'http://console.invalid' || !pages.some(isOwn)) return home;
  return url.pathname + url.search;
}

/** The first key encrypts, all of them decrypt: so a key is changed while people stay logged in. */
function createCipher(keys: readonly string[], purpose: string, now: () => number) {
  const secrets = keys.map((key) => new Uint8Array(hkdfSync('sha256', key, '', purpose, 32)));
  const [first = new Uint8Array()] = secrets;
  return {
    async encrypt(content: Record<string, unknown>, lifetimeMs: number): Promise<string> {
      const expiresAt = now() + lifetimeMs;
      return await new EncryptJWT({ ...content, expiresAt })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(new Date(expiresAt))
        .encrypt(first);
    },

    async decrypt(token: string | undefined): Promise<Record<string, unknown> | undefined> {
      if (token === undefined || token === '') return undefined;
      const options = {
        currentDate: new Date(now()),
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      };
      // Altered, expired, or encrypted with a key of the past: for the person each means the same, to log in again.
      for (const secret of secrets) {
        const opened = await jwtDecrypt(token, secret, options).catch(() => undefined);
        if (opened) return opened.payload;
      }
      return undefined;
    },
  };
}
