import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Configuration, type JWKS } from 'oidc-provider';
import type { Secrets } from '../../common/secrets.ts';
import { findClient, identityOf } from './clients.ts';
import { loginPath } from './login.ts';
import { CONSOLE_CLIENT, GATEWAY_SCOPES, POLICE_RECORDS_AUDIENCE, POLICE_RECORDS_SCOPE } from './oidc.ts';
import { createStore } from './store.ts';
import { findUser } from './users.ts';

const HOUR_S = 3_600;

/** A provider for one machine: keys last, log-ins and grants are forgotten when it ends. */
export async function createProvider(
  issuer: string,
  secrets: Secrets,
  anySecret?: string,
): Promise<Provider> {
  const configuration: Configuration = {
    adapter: createStore((id) => findClient(secrets.directory, id, anySecret)),
    jwks: await signingKeys(secrets.directory),
    cookies: { keys: [secrets.get('oidc-cookies')] },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub', 'roles', 'organisation'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => {
      const user = findUser(id);
      return user && { accountId: id, claims: () => ({ sub: id, name: user.name, roles: user.roles }) };
    },
    interactions: { url: (_context, interaction) => loginPath(interaction.uid) },
    loadExistingGrant: async (context) => {
      // The console is ours: whoever logs in need not be asked whether it may know his role.
      const { client, session } = context.oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new context.oidc.provider.Grant({
        clientId: client.clientId,
        accountId: session.accountId,
      });
      grant.addOIDCScope('openid profile offline_access');
      grant.addResourceScope(audienceUri('causeway-console'), 'console');
      await grant.save();
      return grant;
    },
    extraTokenClaims: (_context, token) => {
      const { organisation, roles } = identityOf(token.clientId ?? '');
      const user = 'accountId' in token ? findUser(token.accountId) : undefined;
      const held = roles ?? user?.roles;
      return { ...(organisation ? { organisation } : {}), ...(held ? { roles: held } : {}) };
    },
    ttl: {
      AccessToken: HOUR_S,
      ClientCredentials: HOUR_S,
      IdToken: HOUR_S,
      Interaction: HOUR_S,
      Session: 12 * HOUR_S,
      Grant: 12 * HOUR_S,
    },
    renderError: (context, { error, error_description }) => {
      context.type = 'text/plain';
      context.body = `The log-in did not work: ${error_description ?? error}\n`;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      userinfo: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, client) => audienceUri(identityOf(client.clientId).audience),
        useGrantedResource: () => true,
        getResourceServerInfo: (context, _resource, client) => {
          const { audience } = identityOf(client.clientId);
          const scope = SCOPES[audience];
          // A client that asks for no scope gets those it is registered for (RFC 6749, section 3.3).
          const { params } = context.oidc;
          if (params?.grant_type === 'client_credentials') params.scope ??= scope;
          return { scope, audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
        },
      },
      rpInitiatedLogout: { enabled: true },
    },
  };
  const provider = new Provider(issuer, configuration);
  allowLoopbackRedirects(provider);
  return provider;
}

const SCOPES = {
  'causeway-gateway': GATEWAY_SCOPES,
  'causeway-console': 'console',
  [POLICE_RECORDS_AUDIENCE]: POLICE_RECORDS_SCOPE,
};

const audienceUri = (audience: string) => `urn:causeway:audience:${audience}`;

async function signingKeys(directory: string): Promise<JWKS> {
  const path = join(directory, 'oidc-keys.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const keys = { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] } as JWKS;
  writeFileSync(path, JSON.stringify(keys), { mode: 0o600 });
  return keys;
}

/** The console's port is a setting and tests take any; what matters is that a code never leaves the machine. */
function allowLoopbackRedirects(provider: Provider) {
  const allowed = (value: string) => {
    const { protocol, hostname } = new URL(value);
    return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === 'localhost');
  };
  const { prototype } = provider.Client;
  const { redirectUriAllowed, postLogoutRedirectUriAllowed } = prototype;
  prototype.redirectUriAllowed = function (value) {
    return this.clientId === CONSOLE_CLIENT ? allowed(value) : redirectUriAllowed.call(this, value);
  };
  prototype.postLogoutRedirectUriAllowed = function (value) {
    return this.clientId === CONSOLE_CLIENT ? allowed(value) : postLogoutRedirectUriAllowed.call(this, value);
  };
}
