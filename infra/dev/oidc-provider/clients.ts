import type { AdapterPayload, ClientMetadata } from 'oidc-provider';
import { readSecret } from '../../common/secrets.ts';
import { CONSOLE_CLIENT, clientSecretName, POLICE_RECORDS_AUDIENCE, ROLES, type Role } from './oidc.ts';

/** What a token of this client says beyond the standard claims. */
type Identity = {
  organisation?: string;
  roles?: Role[];
  audience: 'causeway-gateway' | 'causeway-console' | typeof POLICE_RECORDS_AUDIENCE;
};

/**
 * The organisation's own client has its id, the one with a key pair is `key/<organisation>`; `role/<role>[/<organisation>]` acts for a member of staff,
 * `system/police-records/<organisation>/<system>` is a system that sends to an adapter.
 */
export function identityOf(clientId: string): Identity {
  if (clientId === CONSOLE_CLIENT) return { audience: 'causeway-console' };
  const [kind, name, organisation] = clientId.split('/');
  const role = ROLES.find((known) => kind === 'role' && known === name);
  if (kind === 'system' && organisation) return { audience: POLICE_RECORDS_AUDIENCE, organisation };
  if (kind === 'key' && name) return { audience: 'causeway-gateway', organisation: name };
  if (!role) return { audience: 'causeway-gateway', organisation: clientId };
  return { audience: 'causeway-console', roles: [role], ...(organisation ? { organisation } : {}) };
}

/**
 * A client exists once its secret does: an organisation that joins while the provider runs needs no restart.
 * @param anySecret makes every organisation id a client with this secret; for the test harness
 */
export function findClient(directory: string, id: string, anySecret?: string): AdapterPayload | undefined {
  if (!/^[a-z][a-z0-9/-]{1,120}$/.test(id)) return undefined;
  if (id.startsWith('key/')) return keyClient(id, readSecret(directory, clientSecretName(id)));
  const secret = readSecret(directory, clientSecretName(id)) ?? anySecret;
  if (!secret) return undefined;
  const metadata: ClientMetadata =
    id === CONSOLE_CLIENT
      ? {
          client_id: id,
          client_secret: secret,
          client_name: 'Causeway console',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          redirect_uris: ['http://127.0.0.1:8080/'],
          post_logout_redirect_uris: ['http://127.0.0.1:8080/'],
        }
      : {
          client_id: id,
          client_secret: secret,
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
        };
  return metadata as AdapterPayload;
}

/** A client that proves itself with a key pair (private_key_jwt, RFC 7523): its file holds its public keys as a JWKS. */
function keyClient(id: string, jwks: string | null): AdapterPayload | undefined {
  if (!jwks) return undefined;
  const metadata: ClientMetadata = {
    client_id: id,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: JSON.parse(jwks),
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
  return metadata as AdapterPayload;
}
