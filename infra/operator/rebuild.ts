import { parseArgs } from 'node:util';
import pg from 'pg';
import { CannotStart } from '../common/settings.ts';
import { runCommand, runningSystem } from './running.ts';

/** What the console keeps in PostgreSQL and can make again from Kafka, by schema. */
const PROJECTIONS = { disclosures: 'console_disclosures', journeys: 'console' } as const;
type Projection = keyof typeof PROJECTIONS;

const USAGE = `npm run rebuild -- ${Object.keys(PROJECTIONS).join('|')}|all`;
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
  const client = new pg.Client({ connectionString: runningSystem().DATABASE_URL });
  await client.connect().catch(() => {
    throw new CannotStart('PostgreSQL does not answer; start it first.');
  });
  try {
    for (const schema of wanted) await client.query(`drop schema if exists ${schema} cascade`);
  } finally {
    await client.end();
  }
  process.stdout.write(`thrown away: ${wanted.join(', ')}. Restart the console: it fills them from Kafka.\n`);
  return 0;
});
