/** The sink side of the adapter: its settings, and how its parts are put together. */
import type { AdapterParts } from '@causeway/runtime/adapter/adapter';
import { createSink } from '@causeway/runtime/adapter/sink';
import { SINK_SCHEDULE } from '@causeway/runtime/delivery/retry-policy';
import {
  type Config,
  choice,
  flag,
  inProduction,
  integer,
  list,
  port,
  text,
} from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import type { IntakeOptions } from '../intake.ts';
import { createSourceRedrive } from '../redrive.ts';
import { createEngineClient } from './client.ts';
import { createDeliver } from './sink.ts';

const wholeSeconds = (seconds: readonly string[]) => seconds.every((second) => /^[1-9]\d{0,4}$/.test(second));

export const sinkSettings = {
  NHS_TRUST_SINK: flag(true),
  NHS_TRUST_ENGINE_HOST: inProduction(text('127.0.0.1'), (_, given) =>
    given('NHS_TRUST_ENGINE_HOST') !== undefined || given('NHS_TRUST_SINK') === 'false'
      ? undefined
      : 'is not set; set it to the host of the integration engine, or NHS_TRUST_SINK to false',
  ),
  NHS_TRUST_ENGINE_PORT: port(2576),
  NHS_TRUST_ENGINE_CONNECTIONS: integer(1, { min: 1, max: 32 }),
  NHS_TRUST_ENGINE_ANSWER_SECONDS: integer(15, { min: 1, max: 25 }),
  NHS_TRUST_ENGINE_AE: choice(['retry', 'refuse'], 'retry'),
  NHS_TRUST_ENGINE_AR: choice(['retry', 'refuse'], 'retry'),
  NHS_TRUST_ENGINE_RETRY_SECONDS: list(SINK_SCHEDULE.pauses.map((pause) => String(pause / 1_000)))
    .refine(wholeSeconds)
    .describe('pauses between tries, whole seconds separated by commas'),
  NHS_TRUST_RECORD_APPLICATION: text('EPR'),
  NHS_TRUST_WORKLIST_APPLICATION: text('SAFEGUARDING'),
  NHS_TRUST_FACILITY: text('TRUST'),
  NHS_TRUST_AUTHORITY: text('TRUST'),
  NHS_TRUST_DOCUMENT_TYPE: text('CN'),
  NHS_TRUST_PROCESSING_ID: choice(['P', 'T', 'D'], 'P'),
};

const CONNECT_MS = 5_000;

/** Begins to bring the trust's inbox to its engine, and to carry out redrives of both sides. */
export const startSinkSide = (
  { config, log, metrics, onStop, readiness }: Context<Config<typeof sinkSettings>>,
  parts: AdapterParts,
  /** For redrives of what the source side kept. */
  intake: IntakeOptions,
): void => {
  if (!config.NHS_TRUST_SINK) return;
  const clients = Array.from({ length: config.NHS_TRUST_ENGINE_CONNECTIONS }, () =>
    createEngineClient({
      host: config.NHS_TRUST_ENGINE_HOST,
      port: config.NHS_TRUST_ENGINE_PORT,
      answerMs: config.NHS_TRUST_ENGINE_ANSWER_SECONDS * 1_000,
      connectMs: CONNECT_MS,
    }),
  );
  onStop('engine connections', () => {
    for (const client of clients) client.close();
  });
  const free = [...clients];
  const deliverers = new Map(
    clients.map((client) => [
      client,
      createDeliver({
        client,
        codec: parts.codec,
        agreements: parts.agreements,
        mdm: {
          recordApplication: config.NHS_TRUST_RECORD_APPLICATION,
          worklistApplication: config.NHS_TRUST_WORKLIST_APPLICATION,
          facility: config.NHS_TRUST_FACILITY,
          documentType: config.NHS_TRUST_DOCUMENT_TYPE,
          processingId: config.NHS_TRUST_PROCESSING_ID,
          authority: config.NHS_TRUST_AUTHORITY,
        },
        meaning: { error: config.NHS_TRUST_ENGINE_AE, reject: config.NHS_TRUST_ENGINE_AR },
        now: () => new Date(),
      }),
    ]),
  );
  const pauses = config.NHS_TRUST_ENGINE_RETRY_SECONDS.map((seconds) => Number(seconds) * 1_000);
  const sink = createSink({
    ...parts,
    log,
    metrics,
    concurrency: clients.length,
    schedule: {
      ...SINK_SCHEDULE,
      pauses,
      giveUpAfterMs: Math.max(SINK_SCHEDULE.giveUpAfterMs, 2 * sum(pauses)),
    },
    redriveSource: createSourceRedrive(intake),
    async deliver(attempt) {
      // As many are under way as there are connections, so one is free.
      const client = free.shift() ?? clients[0];
      const deliver = client && deliverers.get(client);
      if (client === undefined || deliver === undefined)
        return { outcome: 'unreachable', code: 'no-connection' };
      try {
        return await deliver(attempt);
      } finally {
        free.push(client);
      }
    },
  });
  onStop('sink', () => sink.close());
  readiness('sink', () => sink.ready());
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
