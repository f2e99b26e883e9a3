import { RetryableError } from '@causeway/runtime/errors';
import * as oidc from 'openid-client';
import { type Person, rolesOf } from '../access/viewer.ts';
import type { Attempt } from './session.ts';

export type IdentityProvider = ReturnType<typeof createIdentityProvider>;

const TIMEOUT_SECONDS = 5;

/**
 * The OpenID provider, seen from the console: authorization code with PKCE. Its addresses are looked up when
 * they are first needed, so that the console starts, and shows its open sessions, while the provider is away.
 */
export function createIdentityProvider(settings: { issuer: string; clientId: string; clientSecret: string }) {
  let known: Promise<oidc.Configuration> | undefined;

  const configuration = async (): Promise<oidc.Configuration> => {
    known ??= discover(settings);
    try {
      return await known;
    } catch (cause) {
      known = undefined;
      throw new RetryableError('sign-in-unavailable', 'the OpenID provider does not answer', { cause });
    }
  };

  return {
    /** Where to send the browser, and what to compare its return with. */
    async start(redirectUri: string, returnTo: string): Promise<{ url: URL; attempt: Attempt }> {
      const provider = await configuration();
      const attempt = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
        returnTo,
      };
      const url = oidc.buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: 'openid profile',
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
      });
      return { url, attempt };
    },

    /**
     * Who came back. State, nonce, signature, issuer and audience are checked before anything is believed.
     *
     * @throws whatever openid-client says of a return that does not belong to the attempt
     */
    async finish(returned: URL, attempt: Attempt): Promise<Person> {
      const provider = await configuration();
      const tokens = await oidc.authorizationCodeGrant(provider, returned, {
        pkceCodeVerifier: attempt.verifier,
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('the provider sent no ID token');
      // Providers differ in where they put claims beyond `sub`: in the ID token, or behind the userinfo address.
      const more = 'roles' in claims ? {} : await userInfo(provider, tokens.access_token, claims.sub);
      return personOf({ ...more, ...claims });
    },

    /** Where a browser ends its session with the provider itself, if the provider has such an address. */
    async endSessionUrl(): Promise<URL | undefined> {
      const provider = await configuration().catch(() => undefined);
      if (provider?.serverMetadata().end_session_endpoint === undefined) return undefined;
      return oidc.buildEndSessionUrl(provider, { client_id: settings.clientId });
    },
  };
}

function discover({
  issuer,
  clientId,
  clientSecret,
}: {
  issuer: string;
  clientId: string;
  clientSecret: string;
}) {
  const server = new URL(issuer);
  // Plain HTTP only where it cannot leave the machine.
  const execute = isLoopback(server) ? [oidc.allowInsecureRequests] : [];
  const authentication = oidc.ClientSecretBasic(clientSecret);
  return oidc.discovery(server, clientId, undefined, authentication, { execute, timeout: TIMEOUT_SECONDS });
}

async function userInfo(provider: oidc.Configuration, accessToken: string, subject: string) {
  if (provider.serverMetadata().userinfo_endpoint === undefined) return {};
  return await oidc.fetchUserInfo(provider, accessToken, subject);
}

function personOf(claims: Record<string, unknown>): Person {
  const subject = String(claims.sub);
  const name = typeof claims.name === 'string' && claims.name !== '' ? claims.name : subject;
  const person: Person = { subject, name, roles: rolesOf(claims.roles) };
  return typeof claims.organisation === 'string' ? { ...person, organisation: claims.organisation } : person;
}

export function isLoopback(url: URL): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}
