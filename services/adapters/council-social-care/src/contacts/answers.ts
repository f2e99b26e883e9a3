/**
 * Reads back what the council's people have said of their contacts, and tells the partner. A row is looked at as long as it says something
 * else than was told, so nothing is missed however late it was committed, whatever its time, and whoever died in between.
 */

import type { Sink } from '@causeway/runtime/adapter/sink';
import { errorCode, isPermanent } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { ContactAnswer, ContactTable } from './table.ts';

type State = Parameters<Sink['acknowledge']>[1]['state'];

/** As people and forms write them. */
const STATES: Record<string, State> = {
  seen: 'seen',
  accepted: 'accepted',
  'not-ours': 'not_ours',
  unable: 'unable',
};

/** A team or a case number: short, plain and on one line, as the gateway takes it. */
const WORDS = /^[A-Za-z0-9][A-Za-z0-9 .,&'()/_:-]{0,99}$/;

export type AnswerParts = {
  table: Pick<ContactTable, 'untold' | 'told' | 'note'>;
  acknowledge: Sink['acknowledge'];
  log: Logger;
  /** False when the rest is for the next turn. */
  goOn(): boolean;
};

/** Rows that are passed on at one time. */
const AT_ONCE = 8;

/** One turn over everything that is untold. @throws RetryableError where the rest has to wait */
export const passOnAnswers = async (parts: AnswerParts, left: LeftRows): Promise<void> => {
  for (let after = 0; ; ) {
    const answers = await parts.table.untold(after);
    for (let from = 0; from < answers.length && parts.goOn(); from += AT_ONCE) {
      const some = answers.slice(from, from + AT_ONCE);
      const done = await Promise.allSettled(some.map((answer) => passOn(parts, answer, left)));
      for (const one of done) if (one.status === 'rejected') throw one.reason;
    }
    const last = answers.at(-1);
    if (last === undefined || !parts.goOn()) return;
    after = last.contactId;
  }
};

/** Rows with a state that is none, and which: each is said once in the log. */
export type LeftRows = Map<number, string>;
const MOST_LEFT = 10_000;

const passOn = async (parts: AnswerParts, answer: ContactAnswer, left: LeftRows): Promise<void> => {
  const { table, log } = parts;
  const { contactId } = answer;
  const state =
    STATES[
      (answer.state ?? '')
        .trim()
        .toLowerCase()
        .replaceAll(/[\s_]+/g, '-')
    ];
  if (state === undefined) {
    const written = answer.state ?? '';
    if (left.get(contactId) !== written) {
      if (left.size >= MOST_LEFT) left.clear();
      left.set(contactId, written);
      log.warn({ event: 'acknowledgement.skipped', contactId }, 'contact with an unknown state skipped');
    }
    return table.note(answer, 'Not passed on: the state is one of seen, accepted, not-ours, unable.');
  }
  left.delete(contactId);
  const team = plain(answer.team);
  const reference = plain(answer.reference);
  const refused = [
    ...(team === undefined ? ['team'] : []),
    ...(reference === undefined ? ['reference'] : []),
  ];
  const said = { state, team: team ?? null, reference: reference ?? null };
  try {
    await parts.acknowledge({ id: answer.eventId, position: answer.position }, said);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    log.warn(
      { event: 'acknowledgement.not_sent', contactId, code: errorCode(error) },
      'contact state not sent',
    );
    return table.told(answer, 'Not passed on: the bus keeps a contact for 30 days. Ring the partner.');
  }
  const note = refused.length === 0 ? null : `Passed on without ${refused.join(' and ')}: ${ALLOWED}.`;
  await table.told(answer, note);
};

const ALLOWED = 'at most 100 plain letters, digits and signs on one line';

/** Null where there is nothing, undefined where it may not be passed on. */
const plain = (value: string | null): string | null | undefined => {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  return WORDS.test(text) ? text : undefined;
};
