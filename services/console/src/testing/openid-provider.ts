import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export type Account = { roles?: string[]; organisation?: string; name?: string };

export const CLIENT_SECRET = 'a client secret for tests only';
export const AUDIENCE = 'causeway-console';

/** A real OpenID provider in which everybody who comes to log in is whoever the test says he is. */
export async function startOpenIdProvider() {
  let next: Account = {};
  const accounts = new Map<string, Account>();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: AUDIENCE,
        client_secret: CLIENT_SECRET,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/sign-in/callback'],
      },
      {
        client_id: 'script',
        client_secret: CLIENT_SECRET,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    pkce: { required: () => true },
    cookies: { keys: ['cookies of a test'] },
    claims: { openid: ['sub', 'roles', 'organisation'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) }),
    interactions: { url: (_context, { uid }) => `/log-in/${uid}` },
    loadExistingGrant: async ({ oidc }) => {
      if (!oidc.client || !oidc.session?.accountId) return undefined;
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
    extraTokenClaims: () => ({ roles: next.roles ?? [], organisation: next.organisation }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, client) => (client.clientId === 'script' ? 'urn:test:console' : []),
        getResourceServerInfo: (context) => ({
          scope: '',
          audience: String(context.get('x-test-audience') || AUDIENCE),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
      rpInitiatedLogout: { enabled: true },
    },
  });
  // The console under test listens on a port that the system chose.
  provider.Client.prototype.redirectUriAllowed = (value) => new URL(value).hostname === '127.0.0.1';

  const answer = provider.callback();
  server.on('request', async (req, res) => {
    if (!req.url?.startsWith('/log-in/')) return await answer(req, res);
    const accountId = `account-${accounts.size}`;
    accounts.set(accountId, next);
    await provider.interactionFinished(req, res, { login: { accountId } });
  });

  return {
    issuer,
    /** Who logs in, or gets a token, from now on. */
    become(account: Account) {
      next = account;
    },
    /** An access token as a script would get it, for `become`'s account. */
    async token(audience = AUDIENCE): Promise<string> {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`script:${encodeURIComponent(CLIENT_SECRET)}`)}`,
          'content-type': 'application/x-www-form-urlencoded',
          'x-test-audience': audience,
        },
        body: 'grant_type=client_credentials',
      });
      const { access_token } = (await response.json()) as { access_token: string };
      return access_token;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
