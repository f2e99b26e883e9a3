/** A council's case-management system at work: it has a history, and news at a steady pace. */
import { setTimeout as delay } from 'node:timers/promises';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { integer, loadConfig, serviceSettings, url } from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';
import pg from 'pg';
import { fillHistory } from './history.ts';
import { HAPPENINGS } from './news.ts';
import { prepareCouncilDatabase } from './prepare.ts';
import { refuseRealDatabase } from './prepare-contacts.ts';

const settings = {
  ...serviceSettings,
  COUNCIL_DATABASE_URL: url(),
  COUNCIL_SOCIAL_CARE_SIMULATOR_PER_MINUTE: integer(6, { min: 1, max: 60_000 }),
};

const AGAIN_MS = 2_000;

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('council-social-care-simulator', config.LOG_LEVEL);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  const address = config.COUNCIL_DATABASE_URL;
  const guard = connectDatabase({ url: address, schema: 'public', connections: 1, log });
  await refuseRealDatabase(guard);
  await guard.close();
  await prepareCouncilDatabase(address);
  const pool = new pg.Pool({ connectionString: address, max: 1 });
  pool.on('error', () => undefined);
  const client = await pool.connect();
  await fillHistory(client);
  client.release();
  log.info({ event: 'simulator.started' }, 'the simulated case-management system is running');
  const pause = 60_000 / config.COUNCIL_SOCIAL_CARE_SIMULATOR_PER_MINUTE;
  for (let turn = 0; !stop.signal.aborted; turn += 1) {
    try {
      const happened = await HAPPENINGS[turn % HAPPENINGS.length]?.(pool);
      log.debug({ turn, happened }, 'something happened in the simulated council');
      // The first two things at once: whoever has just started it wants to see something.
      if (turn > 0) await delay(pause, undefined, { signal: stop.signal });
    } catch (error) {
      if (stop.signal.aborted) break;
      log.warn({ event: 'simulator.retrying', err: error }, 'the simulated council failed; retrying');
      await delay(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }
  await pool.end();
  process.exit(0);
}
