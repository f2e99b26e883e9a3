/** Speaks with the records management system's own API over HTTP, and knows nothing of events. */

export type RmsAnswer =
  | { kind: 'done'; status: number; body: unknown }
  /** Not now: it is overloaded, in trouble, or will not let us in. `afterMs` as it asked for. */
  | { kind: 'later'; code: string; status?: number; afterMs?: number }
  /** Never: it understood and will not. */
  | { kind: 'refused'; status: number }
  /** Sent, and no answer came: whether it was done is not known. */
  | { kind: 'no-answer' }
  /** Nothing was sent. */
  | { kind: 'unreachable' };

type RmsRequest = {
  method: 'GET' | 'POST';
  /** Below the API's address. Never anything of a person. */
  path: string;
  body?: unknown;
  /** Under this the system does a thing once. */
  idempotencyKey?: string;
  signal: AbortSignal;
};

export type RmsClient = { request(request: RmsRequest): Promise<RmsAnswer> };

type RmsClientOptions = {
  url: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  answerMs: number;
  now?(): number;
};

type Token = { value: string; until: number };
type Tried = RmsAnswer | { kind: 'unauthorised' };

const LARGEST_ANSWER = 5_000_000;
/** A token is renewed this long before it runs out. */
const EARLY_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;

export const createRmsClient = (options: RmsClientOptions): RmsClient => {
  const { url, tokenUrl, clientId, clientSecret, answerMs, now = Date.now } = options;
  let token: Token | undefined;
  let asking: Promise<Token | RmsAnswer> | undefined;

  const askForToken = async (): Promise<Token | RmsAnswer> => {
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`);
    const answer = await call(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${basic.toString('base64')}`, accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      signal: AbortSignal.timeout(answerMs),
    });
    // Without a token nothing was sent, whatever became of the question.
    if (answer.kind !== 'done') return answer.kind === 'later' ? answer : noToken(answer.kind);
    const { access_token, expires_in } = (answer.body ?? {}) as {
      access_token?: unknown;
      expires_in?: unknown;
    };
    if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) return noToken('no-token');
    const seconds = typeof expires_in === 'number' && expires_in > 0 ? expires_in : 300;
    return { value: access_token, until: now() + seconds * 1_000 };
  };

  const currentToken = async (): Promise<Token | RmsAnswer> => {
    if (token !== undefined && token.until - EARLY_MS > now()) return token;
    asking ??= askForToken().finally(() => {
      asking = undefined;
    });
    const found = await asking;
    if ('value' in found) token = found;
    return found;
  };

  const attempt = async ({ method, path, body, idempotencyKey, signal }: RmsRequest, { value }: Token) => {
    const answer: Tried = await call(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${value}`,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    return answer;
  };

  return {
    async request(request) {
      for (const last of [false, true]) {
        const found = await currentToken();
        if (!('value' in found)) return found;
        const answer = await attempt(request, found);
        if (answer.kind !== 'unauthorised') return answer;
        // Renewed once: a token can be withdrawn, and one that is never taken is no reason to ask for ever.
        if (token === found) token = undefined;
        if (last) return { kind: 'later', code: 'unauthorised', status: 401 };
      }
      return { kind: 'unreachable' };
    },
  };
};

const noToken = (code: string): RmsAnswer =>
  code === 'unreachable' ? { kind: 'unreachable' } : { kind: 'later', code: 'no-token' };

const call = async (url: string, init: RequestInit): Promise<RmsAnswer & Tried> => {
  try {
    const response = await fetch(url, { ...init, redirect: 'manual' });
    const { status } = response;
    if (status >= 200 && status < 300) return { kind: 'done', status, body: await jsonOf(response) };
    await response.body?.cancel();
    return ofStatus(status, response.headers.get('retry-after')) as RmsAnswer & Tried;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    const neverLeft = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'];
    return neverLeft.includes(cause?.code ?? '') ? { kind: 'unreachable' } : { kind: 'no-answer' };
  }
};

const ofStatus = (status: number, retryAfter: string | null): Tried => {
  if (status === 401) return { kind: 'unauthorised' };
  const afterMs = pauseOf(retryAfter);
  const later = { kind: 'later', code: 'http', status, ...(afterMs !== undefined && { afterMs }) } as const;
  // 408, 409 with a key under way, 425 and 429 ask to come again; a redirect is a fault of the address, to be mended.
  if (status >= 500 || status < 400 || [408, 425, 429].includes(status)) return later;
  return { kind: 'refused', status };
};

/** Seconds or a date; an hour at most. */
const pauseOf = (header: string | null): number | undefined => {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS) : undefined;
};

const jsonOf = async (response: Response): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > LARGEST_ANSWER) {
      await response.body?.cancel();
      return undefined;
    }
    chunks.push(Buffer.from(chunk));
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
};
