import { parseArgs } from 'node:util';
import { RetryableError } from '@causeway/runtime/errors';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { connectionSettings, loadConnections } from '../common/connections.ts';
import { CannotStart } from '../common/settings.ts';
import { runCommand } from './command.ts';

/** What the console keeps in PostgreSQL and can make again from Kafka, by schema. */
const PROJECTIONS = { disclosures: 'console_disclosures', journeys: 'console' } as const;
type Projection = keyof typeof PROJECTIONS;

const USAGE = `npm run rebuild -- ${Object.keys(PROJECTIONS).join('|')}|all`;
const DROP_MS = 600_000;
const isProjection = (name: string): name is Projection => Object.hasOwn(PROJECTIONS, name);

/**
 * Throws projections away. The console makes their tables when it starts and fills them from the beginning of the topics; until that is
 * done its pages and its API say that they are not complete.
 */
await runCommand(async (args) => {
  const { positionals } = parseArgs({ args, allowPositionals: true });
  const [name = '', ...rest] = positionals;
  if (rest.length > 0 || !(name === 'all' || isProjection(name))) throw new CannotStart(`Usage: ${USAGE}`);
  const wanted = name === 'all' ? Object.values(PROJECTIONS) : [PROJECTIONS[name as Projection]];
  const { DATABASE_URL: url } = loadConnections(connectionSettings.database);
  const log = createLogger('rebuild', 'error');
  const database = connectDatabase({ url, schema: 'public', log, connections: 1, statementMs: DROP_MS });
  try {
    for (const schema of wanted) await database.query(`drop schema if exists ${schema} cascade`);
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    throw new CannotStart('PostgreSQL does not answer; start it first.');
  } finally {
    await database.close();
  }
  process.stdout.write(`thrown away: ${wanted.join(', ')}. Restart the console: it fills them from Kafka.\n`);
  return 0;
});
