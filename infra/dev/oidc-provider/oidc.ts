import { join } from 'node:path';
import { LOOPBACK } from '../../common/ports.ts';
import type { Secrets } from '../../common/secrets.ts';
import type { PartSpec } from '../supervisor/supervisor.ts';

export const issuerUrl = (port: number) => `http://${LOOPBACK}:${port}`;
export const clientSecretName = (clientId: string) => `oidc-client-${clientId.replaceAll('/', '.')}`;

export const CONSOLE_CLIENT = 'causeway-console';
export const ROLES = ['operator', 'information-governance'] as const;
export type Role = (typeof ROLES)[number];

export const GATEWAY_SCOPES = 'events:read events:write subscriptions:manage';

/** The client whose own tokens carry a console role: for the command line and scripts, where nobody logs in. */
export const roleClient = (role: Role, organisation?: string) =>
  organisation ? `role/${role}/${organisation}` : `role/${role}`;

export const POLICE_RECORDS_AUDIENCE = 'causeway-police-records';
export const POLICE_RECORDS_SCOPE = 'incidents:write';

/** A system of a force that sends documents to its adapter: each has a client of its own. */
export const systemClient = (organisation: string, system: string) =>
  `system/police-records/${organisation}/${system}`;

/** The development OpenID provider, a process of its own like every other part. */
export function providerPart(
  port: number,
  home: string,
  secrets: Secrets,
  anyClientSecret?: string,
): PartSpec {
  return {
    name: 'oidc',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts')],
    cwd: home,
    env: {
      OIDC_PORT: String(port),
      OIDC_SECRETS: secrets.directory,
      ...(anyClientSecret ? { OIDC_ANY_CLIENT_SECRET: anyClientSecret } : {}),
    },
    probe: async () => {
      const address = `${issuerUrl(port)}/.well-known/openid-configuration`;
      const answer = await fetch(address, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      return answer.ok;
    },
    stopTimeoutMs: 2_000,
  };
}
