/** The sink side of the adapter: its settings, and how its parts are put together. */
import type { AdapterParts } from '@causeway/runtime/adapter/adapter';
import { retrySeconds, scheduleOf, startSink } from '@causeway/runtime/adapter/sink';
import {
  type Config,
  choice,
  flag,
  inProduction,
  integer,
  port,
  text,
} from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import type { IntakeOptions } from '../intake.ts';
import { createSourceRedrive } from '../redrive.ts';
import { createEngineClient } from './client.ts';
import { createDeliver } from './sink.ts';

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
  NHS_TRUST_ENGINE_RETRY_SECONDS: retrySeconds(),
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
  context: Context<Config<typeof sinkSettings>>,
  parts: AdapterParts,
  /** For redrives of what the source side kept. */
  intake: IntakeOptions,
): void => {
  const { config, onStop } = context;
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
  const deliverers = clients.map((client) =>
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
  );
  startSink(context, {
    ...parts,
    concurrency: clients.length,
    schedule: scheduleOf(config.NHS_TRUST_ENGINE_RETRY_SECONDS),
    redriveSource: createSourceRedrive(intake),
    async deliver(attempt) {
      // As many are under way as there are connections, so one is free.
      const deliver = deliverers.shift();
      if (deliver === undefined) return { outcome: 'unreachable', code: 'no-connection' };
      try {
        return await deliver(attempt);
      } finally {
        deliverers.push(deliver);
      }
    },
  });
};
