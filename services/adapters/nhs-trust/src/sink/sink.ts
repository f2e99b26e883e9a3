/** Hands one event to the integration engine, and says what its answer means. */

import type { SinkOutcome } from '@causeway/runtime/adapter/sink';
import type { Codec } from '@causeway/runtime/avro/codec';
import type { Attempt } from '@causeway/runtime/delivery/subscription';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EngineAnswer, EngineClient } from './client.ts';
import { controlIdOf, isVeryRestricted, type MdmSettings, mdmMessage } from './mdm.ts';

/** What an engine means by a code that is no acceptance: try again, or never. */
export type Meaning = 'retry' | 'refuse';

export type SinkSettings = {
  client: EngineClient;
  codec: Pick<Codec, 'schemaOf'>;
  agreements: Pick<Agreements, 'state'>;
  mdm: MdmSettings;
  /** Of AE and CE, and of AR and CR. */
  meaning: { error: Meaning; reject: Meaning };
  now(): Date;
};

/** Makes the `deliver` of a sink. */
export const createDeliver = (settings: SinkSettings): ((attempt: Attempt) => Promise<SinkOutcome>) => {
  const titles = new Map(loadCatalogue().map(({ type, title }) => [type, title]));
  return async ({ event, data, schemaId, agreements, signal }) => {
    const versions = settings.agreements.state().versions;
    const purposes = agreements.flatMap((named) => versions.get(named)?.record.agreement.purpose ?? []);
    const message = mdmMessage(
      {
        event,
        title: titles.get(event.type) ?? event.type,
        schema: await settings.codec.schemaOf(schemaId),
        data,
        veryRestricted: isVeryRestricted(event.type, purposes),
        at: settings.now(),
      },
      settings.mdm,
    );
    const answer = await settings.client.send(message, controlIdOf(event.id), signal);
    return outcomeOf(answer, settings.meaning);
  };
};

export const outcomeOf = (answer: EngineAnswer, { error, reject }: SinkSettings['meaning']): SinkOutcome => {
  if (answer.kind === 'unreachable') return { outcome: 'unreachable', code: 'not-connected' };
  if (answer.kind === 'no-answer') return { outcome: 'retry', code: 'no-answer', blame: 'receiver' };
  const { code } = answer;
  switch (code) {
    case 'AA':
    case 'CA':
      return { outcome: 'delivered', status: code, acknowledgement: { state: 'seen' } };
    case 'AE':
    case 'CE':
      return refusal(error, code);
    case 'AR':
    case 'CR':
      return refusal(reject, code);
    default:
      // Never what the engine wrote: it may be anything.
      return { outcome: 'retry', code: 'unknown-code' };
  }
};

const refusal = (meaning: Meaning, code: 'AE' | 'CE' | 'AR' | 'CR'): SinkOutcome =>
  meaning === 'retry'
    ? { outcome: 'retry', code, status: code }
    : { outcome: 'refused', code, status: code, acknowledgement: { state: 'unable' } };
