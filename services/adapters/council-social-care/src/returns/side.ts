/** The drop folder of statutory returns: settings, and how its parts are put together. */
import type { Config } from '@causeway/runtime/config';
import type { Context } from '@causeway/runtime/service';
import type { Parts } from '../parts.ts';

export const returnsSettings = {};

/** Begins in the background; what fails is tried again. */
export const startReturns = (_context: Context<Config<typeof returnsSettings>>, _parts: Parts): void =>
  undefined;
