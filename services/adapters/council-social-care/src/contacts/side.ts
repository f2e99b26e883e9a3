/** What partners send, put into the council's staging table: settings, and how its parts are put together. */
import type { Config } from '@causeway/runtime/config';
import type { Context } from '@causeway/runtime/service';
import type { Parts } from '../parts.ts';

export const contactsSettings = {};

/** Begins in the background; what fails is tried again. */
export const startContacts = (_context: Context<Config<typeof contactsSettings>>, _parts: Parts): void =>
  undefined;
