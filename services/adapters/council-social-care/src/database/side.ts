/** The council's reporting views, polled: settings, and how its parts are put together. */
import { runLoop } from '@causeway/runtime/async/run-loop';
import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import { errorCode, PermanentError, RetryableError, retryableFor } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import {
  type Config,
  databaseSettings,
  integer,
  optionalDatabaseUrl,
  text,
} from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { ADAPTER, type Parts } from '../parts.ts';
import { createLock } from './lock.ts';
import { PERSONS } from './page-work.ts';
import { createPersonIndex, type PersonIndex } from './person-index.ts';
import { createPoll, type Poll } from './poll.ts';
import { connectPostgres } from './postgres.ts';
import { loadQuery } from './queries.ts';
import type { View } from './stated.ts';
import { createStore } from './store.ts';
import { VIEWS } from './views.ts';

export const reportingSettings = {
  ...databaseSettings,
  COUNCIL_DATABASE_URL: optionalDatabaseUrl(),
  /** A folder with a council's own query files; those that it lacks are taken from the adapter. */
  COUNCIL_SOCIAL_CARE_QUERIES_DIR: text().optional(),
  COUNCIL_SOCIAL_CARE_POLL_SECONDS: integer(5, { min: 1, max: 3_600 }),
  COUNCIL_SOCIAL_CARE_SWEEP_SECONDS: integer(300, { min: 1, max: 86_400 }),
  COUNCIL_SOCIAL_CARE_OVERLAP_SECONDS: integer(120, { min: 1, max: 86_400 }),
  COUNCIL_SOCIAL_CARE_STATEMENT_SECONDS: integer(30, { min: 1, max: 3_600 }),
  COUNCIL_SOCIAL_CARE_MAY_BE_GONE_PERCENT: integer(20, { min: 0, max: 100 }),
};

/** A view that is not as it was is read whole again and again until it is; not at the pace of the polls. */
const SHRUNK_MS = 20_000;
const STANDBY_MS = 1_000;

type Reporting = {
  /** Looks again at the row of a dead letter. @throws PermanentError for a letter of another kind, RetryableError while that is not possible */
  redrive(letter: FetchedRecord): Promise<Redriven>;
  /** What the database knows of people; undefined where there is none. */
  people: PersonIndex | undefined;
};

/** Begins in the background; what fails is tried again. */
export const startDatabase = (
  { config, log, metrics, onStop, readiness, signal }: Context<Config<typeof reportingSettings>>,
  parts: Parts,
): Reporting => {
  const address = config.COUNCIL_DATABASE_URL;
  if (address === undefined) {
    log.info({ event: 'source.disabled' }, 'COUNCIL_DATABASE_URL is not set: no database is polled');
    return { redrive: () => Promise.reject(notRedrivable()), people: undefined };
  }
  if (address === config.DATABASE_URL)
    throw new PermanentError(
      'configuration',
      "COUNCIL_DATABASE_URL is the adapter's own database; set it to the council's reporting database",
    );
  const names = [...VIEWS.map(({ name }) => name), PERSONS];
  const queries = new Map(
    names.map((name) => [name, loadQuery(name, config.COUNCIL_SOCIAL_CARE_QUERIES_DIR)]),
  );
  const reading = connectPostgres({
    url: address,
    statementMs: config.COUNCIL_SOCIAL_CARE_STATEMENT_SECONDS * 1_000,
    log,
  });
  const queryOf = (name: string) =>
    queries.get(name) ?? loadQuery(name, config.COUNCIL_SOCIAL_CARE_QUERIES_DIR);
  const lock = createLock(config.DATABASE_URL, `reporting of ${parts.organisation}`);
  const store = createStore(parts.database);
  const poll = createPoll({
    organisation: parts.organisation,
    reading,
    queryOf,
    store,
    source: parts.source,
    tokeniser: parts.tokeniser,
    contact: parts.contact,
    metrics,
    overlapMs: config.COUNCIL_SOCIAL_CARE_OVERLAP_SECONDS * 1_000,
    sweepMs: config.COUNCIL_SOCIAL_CARE_SWEEP_SECONDS * 1_000,
    mayBeGone: config.COUNCIL_SOCIAL_CARE_MAY_BE_GONE_PERCENT / 100,
    mayGoOn() {
      signal.throwIfAborted();
      if (!lock.isHeld()) throw new RetryableError('standby', 'another instance may have taken over');
    },
  });
  const troubles = new Map<string, RetryableError>();
  /** Views that were read whole once: from then on it is a fault when they cannot be read. */
  let expected = new Set<string>();

  const inTurn = oneAtATime();

  const attempt = async (view: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      if (troubles.delete(view))
        log.info({ event: 'reporting_view.recovered', view }, 'a view can be read again');
      metrics.legacyPartUp.set({ adapter: ADAPTER, part: view }, 1);
    } catch (error) {
      if (signal.aborted) return;
      const code = errorCode(error);
      const message = error instanceof RetryableError ? error.message : 'reading it failed';
      if (troubles.get(view)?.code !== code)
        log.warn({ event: 'reporting_view.retrying', err: error, view, code }, 'view not read; retrying');
      troubles.set(view, retryableFor(error, `${view}: ${message}`));
      metrics.legacyPartUp.set({ adapter: ADAPTER, part: view }, 0);
    }
  };

  const round = async (turn: Poll, notBefore: Map<string, number>): Promise<void> => {
    await attempt('outgoing', () => turn.send());
    for (const view of VIEWS) {
      if (signal.aborted) return;
      if ((notBefore.get(view.name) ?? 0) > Date.now()) continue;
      await attempt(view.name, () => turn.view(view));
      if (troubles.get(view.name)?.code === 'view-shrunk') notBefore.set(view.name, Date.now() + SHRUNK_MS);
    }
    await attempt(PERSONS, () => turn.persons());
    await attempt('renewals', () => turn.renew());
    expected = new Set(await store.completeViews());
  };

  const notBefore = new Map<string, number>();
  let prepared = false;
  let isStandby = false;
  const step = async (): Promise<number> => {
    const isMine = await lock.hold();
    if (!isMine && !isStandby)
      log.info(
        { event: 'source.standby' },
        'another instance polls the reporting database; waiting to take over',
      );
    isStandby = !isMine;
    if (!isMine) return STANDBY_MS;
    if (!prepared) {
      await store.prepare();
      expected = new Set(await store.completeViews());
      prepared = true;
    }
    await parts.source.ready();
    await inTurn(() => round(poll, notBefore));
    return config.COUNCIL_SOCIAL_CARE_POLL_SECONDS * 1_000;
  };
  const again = async (view: View, rowId: string): Promise<Redriven> => {
    if (!(await lock.hold())) throw new RetryableError('standby', 'another instance polls the database');
    const problem = await poll.again(view, rowId);
    return problem === null ? { outcome: 'published', code: 'ok' } : { outcome: 'refused', code: problem };
  };

  const running = runLoop({ name: 'reporting-database', signal, step, retryMs: STANDBY_MS, log, metrics });
  onStop('reporting database', async () => {
    await running;
    await lock.close();
    await reading.close();
  });
  readiness('reporting-views', async () => {
    const broken = [...troubles].find(([view]) => expected.has(view));
    if (broken !== undefined) throw broken[1];
  });
  return {
    people: createPersonIndex(reading, queryOf),
    async redrive(letter) {
      const found = rowOf(letter);
      const view = VIEWS.find(({ name }) => name === found?.view);
      if (found === undefined || view === undefined) throw notRedrivable();
      return inTurn(() => again(view, found.rowId));
    },
  };
};

const notRedrivable = (): PermanentError =>
  new PermanentError(
    'not-redrivable',
    'The dead letter is not a row of a reporting view; mend the file and drop it again',
  );

/** Runs what it is given one after the other. */
const oneAtATime = () => {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
};

const rowOf = ({ value }: FetchedRecord): { view: string; rowId: string } | undefined => {
  try {
    const { view, row_id: rowId } = JSON.parse(value?.toString('utf8') ?? '');
    return typeof view === 'string' && typeof rowId === 'string' ? { view, rowId } : undefined;
  } catch {
    return undefined;
  }
};
