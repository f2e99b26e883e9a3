import { readFileSync } from 'node:fs';
import pg from 'pg';

const SCHEMA = new URL('schema.sql', import.meta.url);

/** Any number, the same for everybody who prepares: two at once would get in each other's way. */
const LOCK = 7_310_032;

/**
 * Brings the simulated council's database to its shape; what is there stays. May be called by several at once and again.
 * @throws Error where the database does not answer
 */
export const prepareCouncilDatabase = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    const { rows } = await client.query("select to_regclass('adult_social.fact_care_packages') as last");
    if (rows[0]?.last === null) await client.query(`begin;\n${readFileSync(SCHEMA, 'utf8')}\ncommit;`);
  } finally {
    await client.end().catch(() => undefined);
  }
};
