import type { CookieOptions, Request, Response } from 'express';

type CookieName = 'session' | 'log-in';

const LIFETIME_ENDED = 0;

export type Cookies = ReturnType<typeof createCookies>;

/**
 * The console's two cookies. Over HTTPS they carry the `__Host-` prefix, with which a browser accepts them
 * only from this very host; over plain HTTP (a developer's machine) it would refuse them.
 */
export function createCookies(secure: boolean) {
  const fullName = (name: CookieName) => `${secure ? '__Host-' : ''}causeway-${name}`;
  const options = (maxAge: number): CookieOptions => ({
    httpOnly: true,
    sameSite: 'lax',
    secure,
    path: '/',
    maxAge,
  });

  return {
    read(req: Request, name: CookieName): string | undefined {
      return parseCookies(req.headers.cookie).get(fullName(name));
    },
    write(res: Response, name: CookieName, value: string, maxAgeMs: number): void {
      res.cookie(fullName(name), value, options(maxAgeMs));
    },
    clear(res: Response, name: CookieName): void {
      res.cookie(fullName(name), '', options(LIFETIME_ENDED));
    },
  };
}

/** The first value of each name, as browsers send the most specific cookie first (RFC 6265, section 5.4). */
export function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const separator = pair.indexOf('=');
    const name = pair.slice(0, separator).trim();
    if (separator > 0 && name !== '' && !cookies.has(name))
      cookies.set(name, pair.slice(separator + 1).trim());
  }
  return cookies;
}
