/** The adapter: its settings, and how its parts are put together. */
import { basename, join } from 'node:path';
import { adapterSettings, startAdapter } from '@causeway/runtime/adapter/adapter';
import { createSink } from '@causeway/runtime/adapter/sink';
import { type Config, port, text } from '@causeway/runtime/service/config';
import { listen } from '@causeway/runtime/service/http-server';
import type { Context } from '@causeway/runtime/service/service';
import { caseDoor, sendNotice } from './client.ts';
import { noticeOf, TYPE, translateCase } from './translate.ts';

/** The folder's own name: the second part of `ce_source`, and the name of its tables. */
export const name = basename(join(import.meta.dirname, '..'));

export const settings = {
  ...adapterSettings,
  HOUSING_CASES_HOST: text('127.0.0.1'),
  HOUSING_CASES_PORT: port(8085),
  HOUSING_SYSTEM_HOST: text('127.0.0.1'),
  HOUSING_SYSTEM_PORT: port(8086),
};

/** @throws PermanentError `port-in-use` */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const { config, log, metrics, onStop, readiness } = context;
  const parts = startAdapter(context, { adapter: name, schema: name.replaceAll('-', '_'), types: [TYPE] });

  const systemUrl = `http://${config.HOUSING_SYSTEM_HOST}:${config.HOUSING_SYSTEM_PORT}/notices`;
  const sink = createSink({
    ...parts,
    log,
    metrics,
    deliver: ({ event, data, signal }) => sendNotice(systemUrl, event.id, noticeOf(event, data), signal),
  });
  onStop('sink', () => sink.close());
  readiness('sink', () => sink.ready());

  const door = caseDoor(parts.source, (raw) => translateCase(raw, parts.contact()), log);
  const server = await listen(door, { host: config.HOUSING_CASES_HOST, port: config.HOUSING_CASES_PORT });
  onStop('http', () => server.close());
  log.info({ event: 'server.listening', url: server.url }, 'listening for cases');
};
