import { hash } from 'node:crypto';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { RetryableError } from '../errors.ts';
import { Problem } from './http-server.ts';

/** Who calls, as the access token says it. */
export type Access = {
  subject: string;
  clientId: string;
  /** Absent in a token that is not bound to an organisation; see `requireOrganisation`. */
  organisation?: string;
  roles: string[];
  scopes: string[];
  /** When the token runs out, milliseconds since 1970. */
  expiresAt: number;
};

export type AccessVerifier = {
  /**
   * Checks the value of an Authorization header.
   * @throws Problem 401 `invalid-token`; RetryableError `issuer-unavailable` where the keys cannot be fetched
   */
  verify(authorizationHeader: string | undefined): Promise<Access>;
};

// Asymmetric only. HS256 in the list would let anybody sign with the public key as the secret.
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const CLOCK_TOLERANCE_S = 5;
const FETCH_MS = 5_000;
/** A signature that was checked a moment ago is not checked again for each request of the same caller. */
const KNOWN_MS = 30_000;
const MOST_KNOWN = 1_000;
const ORGANISATION = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * A resource server's check of JWT access tokens as RFC 9068 has them: `typ: at+jwt`, asymmetric signature by a
 * key of the issuer, `iss`, `aud`, `exp`, `sub`. Without `jwksUri` it is taken from the issuer's OpenID
 * discovery document at the first token. Keys are cached for 10 minutes and fetched anew for an unknown key id; what was found out about
 * a token counts for 30 s, and never beyond its end.
 */
export function createAccessVerifier(options: {
  issuer: string;
  /** Of several, one is enough. */
  audience: string | readonly string[];
  jwksUri?: string;
}): AccessVerifier {
  const { issuer, audience } = options;
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const keySet = async () => {
    keys ??= findKeys(issuer, options.jwksUri);
    try {
      return await keys;
    } catch (error) {
      keys = undefined;
      throw error;
    }
  };
  const known = new Map<string, { access: Access; until: number }>();
  const remember = (name: string, access: Access): Access => {
    for (const oldest of known.keys()) {
      if (known.size < MOST_KNOWN) break;
      known.delete(oldest);
    }
    known.set(name, { access, until: Math.min(Date.now() + KNOWN_MS, access.expiresAt) });
    return access;
  };
  return {
    verify: async (header) => {
      const token = bearerToken(header);
      const name = hash('sha256', token, 'base64url');
      const before = known.get(name);
      if (before !== undefined && Date.now() < before.until) return before.access;
      known.delete(name);
      const getKey = await keySet();
      try {
        const { payload } = await jwtVerify(token, getKey, {
          issuer,
          audience: typeof audience === 'string' ? audience : [...audience],
          typ: 'at+jwt',
          algorithms: ALGORITHMS,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: CLOCK_TOLERANCE_S,
        });
        return remember(name, toAccess(payload));
      } catch (error) {
        throw refusal(error);
      }
    },
  };
}

/** @throws Problem 403 `insufficient-scope` */
export function requireScope(access: Access, scope: string): void {
  if (access.scopes.includes(scope)) return;
  const challenge = `Bearer realm="causeway", error="insufficient_scope", scope="${scope}"`;
  const detail = `This needs an access token with the scope ${scope}.`;
  throw new Problem(
    403,
    'insufficient-scope',
    'Scope missing',
    detail,
    { scope },
    { 'www-authenticate': challenge },
  );
}

/** @throws Problem 403 `organisation-required` where the token is not bound to an organisation */
export function requireOrganisation(access: Access): string {
  if (access.organisation !== undefined) return access.organisation;
  const detail = 'The access token must carry the claim organisation.';
  throw new Problem(403, 'organisation-required', 'Token without organisation', detail);
}

/** @throws Problem 403 `insufficient-role` */
export function requireRole(access: Access, role: string): void {
  if (access.roles.includes(role)) return;
  throw new Problem(403, 'insufficient-role', 'Role missing', `This needs the role ${role}.`, { role });
}

async function findKeys(issuer: string, jwksUri: string | undefined): Promise<JWTVerifyGetKey> {
  const uri = jwksUri ?? (await discoverKeys(issuer));
  return createRemoteJWKSet(new URL(uri), { timeoutDuration: FETCH_MS, cooldownDuration: 10_000 });
}

async function discoverKeys(issuer: string): Promise<string> {
  const location = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const response = await fetch(location, { signal: AbortSignal.timeout(FETCH_MS), redirect: 'error' });
    const document: unknown = response.ok ? await response.json() : undefined;
    const found = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
    if (found.issuer === issuer && typeof found.jwks_uri === 'string') return found.jwks_uri;
  } catch (error) {
    throw unavailable(error);
  }
  throw unavailable();
}

function unavailable(cause?: unknown): RetryableError {
  return new RetryableError('issuer-unavailable', 'the keys of the token issuer cannot be fetched', {
    cause,
  });
}

function bearerToken(header: string | undefined): string {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header ?? '')?.[1];
  if (token) return token;
  const detail = 'The request needs an Authorization header with a bearer token.';
  const challenge = { 'www-authenticate': 'Bearer realm="causeway"' };
  throw new Problem(401, 'invalid-token', 'Access token missing', detail, {}, challenge);
}

function toAccess(payload: JWTPayload): Access {
  const { sub, client_id, azp, organisation, scope, roles } = payload;
  const clientId = client_id ?? azp;
  if (typeof sub !== 'string' || typeof clientId !== 'string') throw invalidToken('names no client');
  if (organisation !== undefined && (typeof organisation !== 'string' || !ORGANISATION.test(organisation))) {
    throw invalidToken('has an organisation claim that is not an organisation id');
  }
  return {
    subject: sub,
    clientId,
    ...(organisation === undefined ? {} : { organisation }),
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    scopes: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [],
    expiresAt: (payload.exp ?? 0) * 1_000,
  };
}

/** What jose says about a token is the caller's fault; what it says about fetching keys is not. */
function refusal(error: unknown): Error {
  if (error instanceof Problem) return error;
  if (error instanceof errors.JWTExpired) return invalidToken('has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalidToken(CLAIMS[error.claim] ?? 'lacks a required claim');
  if (REFUSED.some((type) => error instanceof type))
    return invalidToken('is not signed by the expected issuer');
  return unavailable(error);
}

const CLAIMS: Record<string, string> = {
  iss: 'is from another issuer',
  aud: 'is meant for another audience',
  typ: 'is not an access token (typ at+jwt)',
  nbf: 'is not valid yet',
};

const REFUSED = [
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

function invalidToken(why: string): Problem {
  const detail = `The access token ${why}.`;
  const challenge = `Bearer realm="causeway", error="invalid_token", error_description="${detail}"`;
  return new Problem(
    401,
    'invalid-token',
    'Access token refused',
    detail,
    {},
    { 'www-authenticate': challenge },
  );
}
