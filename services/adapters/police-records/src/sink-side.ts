/** The sink side of the adapter: its settings, and how its parts are put together. */
import type { AdapterParts } from '@causeway/runtime/adapter/adapter';
import { retrySeconds, scheduleOf, startSink } from '@causeway/runtime/adapter/sink';
import { PermanentError } from '@causeway/runtime/errors';
import {
  type Config,
  flag,
  inProduction,
  integer,
  port,
  refuseGuessable,
  secret,
  text,
  url,
} from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import type { Intake } from './intake.ts';
import { createSourceRedrive } from './redrive.ts';
import type { ReportStore } from './report-store.ts';
import { createRmsClient } from './rms-client.ts';
import { createDeliver } from './sink.ts';
import { followOutcomes } from './task-outcomes.ts';
import { createTaskStore } from './task-store.ts';

const secure = <T extends string | undefined>(address: T) =>
  address === undefined || address.startsWith('https://') ? undefined : 'is not an https address';

export const sinkSettings = {
  POLICE_RECORDS_SINK: flag(true),
  POLICE_RECORDS_RMS_URL: inProduction(url().optional(), secure),
  POLICE_RECORDS_RMS_PORT: port(8087),
  POLICE_RECORDS_RMS_TOKEN_URL: inProduction(url().optional(), secure),
  POLICE_RECORDS_RMS_CLIENT_ID: text('causeway'),
  POLICE_RECORDS_RMS_CLIENT_SECRET: inProduction(secret().optional(), (given) =>
    given === undefined ? undefined : refuseGuessable(given),
  ),
  POLICE_RECORDS_RMS_ANSWER_SECONDS: integer(10, { min: 1, max: 25 }),
  POLICE_RECORDS_RMS_CONCURRENCY: integer(4, { min: 1, max: 32 }),
  POLICE_RECORDS_RMS_POLL_SECONDS: integer(5, { min: 1, max: 3_600 }),
  POLICE_RECORDS_RMS_RETRY_SECONDS: retrySeconds(),
};

type SinkSideParts = AdapterParts & {
  reports: ReportStore;
  /** For redrives of what the source side kept. */
  intake: Intake;
};

/** Begins to bring the force's inbox to its RMS, to read back what becomes of it, and to carry out redrives of both sides. */
export const startSinkSide = (
  context: Context<Config<typeof sinkSettings>>,
  { reports, intake, ...parts }: SinkSideParts,
): void => {
  const { config, log, metrics, onStop, signal } = context;
  if (!config.POLICE_RECORDS_SINK) return;
  const address = config.POLICE_RECORDS_RMS_URL ?? `http://127.0.0.1:${config.POLICE_RECORDS_RMS_PORT}`;
  if (config.POLICE_RECORDS_RMS_CLIENT_SECRET === undefined)
    throw new PermanentError(
      'configuration',
      'POLICE_RECORDS_RMS_CLIENT_SECRET is not set: it lets the adapter into the RMS. Without an RMS API set POLICE_RECORDS_SINK=false',
    );
  const client = createRmsClient({
    url: address,
    tokenUrl: config.POLICE_RECORDS_RMS_TOKEN_URL ?? `${address}/oauth2/token`,
    clientId: config.POLICE_RECORDS_RMS_CLIENT_ID,
    clientSecret: config.POLICE_RECORDS_RMS_CLIENT_SECRET,
    answerMs: config.POLICE_RECORDS_RMS_ANSWER_SECONDS * 1_000,
  });
  const tasks = createTaskStore(parts.database, reports.prepare);
  const sink = startSink(context, {
    ...parts,
    feedback: true,
    concurrency: config.POLICE_RECORDS_RMS_CONCURRENCY,
    schedule: scheduleOf(config.POLICE_RECORDS_RMS_RETRY_SECONDS),
    redriveSource: createSourceRedrive(intake),
    deliver: createDeliver({ client, tasks, reports }),
  });
  const pollMs = config.POLICE_RECORDS_RMS_POLL_SECONDS * 1_000;
  const outcomes = followOutcomes(
    { client, tasks, acknowledge: sink.acknowledge, pollMs, log },
    metrics,
    signal,
  );
  onStop('outcomes of tasks', () => outcomes);
};
