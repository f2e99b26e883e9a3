import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_PRINCIPALS } from '@causeway/runtime/bus/topics';
import { makeCertificates } from '../common/certificates.ts';
import { repository } from '../common/paths.ts';
import { openSecrets } from '../common/secrets.ts';
import { findServices } from '../common/service-manifests.ts';
import { organisationsDirectory } from '../common/settings.ts';
import { readOrganisations } from '../deploy/partnership.ts';
import { realm } from './realm.ts';

/**
 * Makes what docker-compose.yml takes from files: a random secret for each name in it, development certificates, the
 * realm of the OpenID provider, and empty files for further settings and for the other value of a secret that is being replaced.
 * What is there already is kept, so it can be run again at any time.
 */
const HOSTS = ['kafka-1', 'kafka-2', 'kafka-3', 'keycloak', 'gateway', 'console'];
const SECRETS = [
  'kafka-node',
  'kafka-admin',
  'kafka-exchange',
  'kafka-gateway',
  'kafka-console',
  'postgres',
  'keycloak-admin',
  'partnership-key',
  'checkpoint-key',
  'cursor-key',
  'webhook-key',
  'session-key',
  'console-client',
  'grafana-admin',
];

/** Files that containers read under another user: the folder above them is closed instead. */
const READABLE = 0o644;

export async function prepare(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const organisations = readOrganisations(organisationsDirectory).map(({ id }) => id);
  const secrets = openSecrets(join(directory, 'secrets'));
  const get = (name: string): string => {
    const value = secrets.get(name);
    chmodSync(join(directory, 'secrets', name), READABLE);
    return value;
  };
  for (const name of [...SECRETS, ...organisations.map((id) => `kafka-${id}`)]) get(name);
  // An empty value counts as not set. The log-ins of brokers and administrator are replaced by restarting the brokers.
  const logIns = [...SERVICE_PRINCIPALS, ...organisations].map((principal) => `kafka-${principal}`);
  for (const name of [...logIns, 'partnership-key'])
    makeEmpty(join(directory, 'secrets', `${name}-previous`));
  mkdirSync(join(directory, 'settings'), { recursive: true });
  for (const { name } of findServices()) makeEmpty(join(directory, 'settings', `${name}.env`));
  const password = encodeURIComponent(get('postgres'));
  const databaseUrl = `postgresql://causeway:${password}@postgres:5432/causeway`;
  writeFileSync(join(directory, 'secrets', 'database-url'), databaseUrl, { mode: READABLE });
  await makeCertificates(join(directory, 'certificates'), HOSTS);
  const clients = organisations.map((id) => ({ id, secret: get(`client-${id}`) }));
  const document = realm(clients, get('console-client'));
  writeFileSync(join(directory, 'realm.json'), `${JSON.stringify(document, null, 2)}\n`, { mode: READABLE });
}

function makeEmpty(path: string): void {
  if (!existsSync(path)) writeFileSync(path, '', { mode: READABLE });
}

if (import.meta.main) {
  const directory = join(repository, '.causeway', 'compose');
  const known = existsSync(join(directory, 'realm.json'));
  await prepare(directory);
  process.stdout.write(`${known ? 'checked' : 'made'} secrets, certificates and realm in ${directory}\n`);
}
