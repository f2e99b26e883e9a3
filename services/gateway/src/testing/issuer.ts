import { listen } from '@causeway/runtime/service/http-server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** An OpenID provider for tests: a discovery document, a key, and whatever token a test needs. */
export type Issuer = {
  url: string;
  /** A token as partners get them, with `claims` in place of the usual ones. */
  token(organisation: string, claims?: JWTPayload, header?: { typ?: string }): Promise<string>;
  /** Signed with the public key as a shared secret, which a careless verifier takes for good. */
  forged(organisation: string): Promise<string>;
  close(): Promise<void>;
};

export const startIssuer = async (): Promise<Issuer> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  let url = '';
  const server = await listen(
    (request, response) => {
      const discovery = { issuer: url, jwks_uri: `${url}/jwks` };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : discovery));
    },
    { host: '127.0.0.1', port: 0 },
  );
  url = server.url;
  return {
    url,
    token: (organisation, claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: url, aud: 'causeway-gateway', sub: organisation, iat: now, exp: now + 600 };
      const own = { client_id: organisation, organisation, scope: 'events:read' };
      return new SignJWT({ ...usual, ...own, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt', ...header })
        .sign(privateKey);
    },
    forged: (organisation) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: url,
        aud: 'causeway-gateway',
        sub: organisation,
        organisation,
        scope: 'events:read',
      };
      return new SignJWT({ ...claims, client_id: organisation, iat: now, exp: now + 600 })
        .setProtectedHeader({ alg: 'HS256', kid: 'test', typ: 'at+jwt' })
        .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    },
    close: () => server.close(),
  };
};
