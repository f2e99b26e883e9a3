/** The council-social-care adapter: its settings, and how its sides are put together. */
import { adapterSettings, startAdapter, typesOf } from '@causeway/runtime/adapter/adapter';
import { type Config, text } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { contactsSettings, startContacts } from './contacts/side.ts';
import { reportingSettings, startDatabase } from './database/side.ts';
import { ADAPTER, type Parts } from './parts.ts';
import { returnsSettings, startReturns } from './returns/side.ts';

export const name = ADAPTER;

export const settings = {
  ...adapterSettings,
  COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA: text('council_social_care'),
  ...reportingSettings,
  ...returnsSettings,
  ...contactsSettings,
};

/** Starts the adapter. */
export const start = async (context: Context<Config<typeof settings>>): Promise<void> => {
  const bus = startAdapter(context, {
    adapter: ADAPTER,
    schema: context.config.COUNCIL_SOCIAL_CARE_DATABASE_SCHEMA,
    types: typesOf('council'),
  });
  const parts: Parts = { ...bus, redriveSource: (letter) => reporting.redrive(letter) };
  const reporting = startDatabase(context, parts);
  startReturns(context, parts, reporting.people);
  startContacts(context, parts);
};
