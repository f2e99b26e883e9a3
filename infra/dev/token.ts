import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { localConnections } from '../common/connections.ts';
import { openSecrets } from '../common/secrets.ts';
import { CannotStart, homeOf } from '../common/settings.ts';
import { runCommand } from '../operator/command.ts';
import { clientSecretName, ROLES, roleClient, systemClient } from './oidc-provider/oidc.ts';

const USAGE = `npm run token -- <organisation> [--for police-records [--system <name>]]   or   npm run token -- --role ${ROLES.join('|')} [--org <organisation>]`;

type Known = { OIDC_ISSUER: string; organisations: string[] };

function clientOf(args: string[], organisations: string[]): string {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      role: { type: 'string' },
      org: { type: 'string' },
      for: { type: 'string' },
      system: { type: 'string' },
    },
  });
  const organisation = values.role ? values.org : positionals[0];
  if (organisation && !organisations.includes(organisation)) {
    throw new CannotStart(
      `There is no organisation "${organisation}"; there are ${organisations.join(', ')}.`,
    );
  }
  if (!values.role) {
    if (!organisation) throw new CannotStart(`Usage: ${USAGE}`);
    return values.for === undefined ? organisation : clientFor(values.for, organisation, values.system);
  }
  const role = ROLES.find((known) => known === values.role);
  if (!role) throw new CannotStart(`There is no role "${values.role}"; there are ${ROLES.join(', ')}.`);
  return roleClient(role, organisation);
}

/** For another endpoint than the gateway's. */
function clientFor(endpoint: string, organisation: string, system = 'command-line'): string {
  if (endpoint !== 'police-records')
    throw new CannotStart(`There is no endpoint "${endpoint}"; there is police-records.`);
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(system)) throw new CannotStart(`Usage: ${USAGE}`);
  return systemClient(organisation, system);
}

async function requestToken(issuer: string, client: string, secret: string): Promise<string> {
  const basic = Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64');
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => {
    throw new CannotStart(`The OpenID provider at ${issuer} does not answer.`);
  });
  const body = (await answer.json()) as { access_token?: string; error?: string };
  if (!body.access_token) throw new CannotStart(`The OpenID provider at ${issuer} refused: ${body.error}.`);
  return body.access_token;
}

await runCommand(async (args) => {
  const { OIDC_ISSUER, organisations } = localConnections<Known>(process.env);
  const client = clientOf(args, organisations);
  const secrets = openSecrets(join(homeOf(process.env), 'secrets'));
  const token = await requestToken(OIDC_ISSUER, client, secrets.get(clientSecretName(client)));
  process.stdout.write(`${token}\n`);
  return 0;
}, 1);
