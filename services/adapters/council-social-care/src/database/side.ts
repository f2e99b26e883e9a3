/** The council's reporting views, polled: settings, and how its parts are put together. */
import type { Config } from '@causeway/runtime/config';
import type { Context } from '@causeway/runtime/service';
import type { Parts } from '../parts.ts';

export const reportingSettings = {};

/** Begins in the background; what fails is tried again. */
export const startDatabase = (_context: Context<Config<typeof reportingSettings>>, _parts: Parts): void =>
  undefined;
