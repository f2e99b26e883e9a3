import { codeInWords } from '../web/wording.ts';

type Words = { title: string; todo: string };

const KNOWN: Record<string, Words> = {
  'unknown-schema': { title: 'Its schema is not registered', todo: 'Deploy the schema, then redrive.' },
  undecodable: {
    title: 'It cannot be decoded',
    todo: 'Ask the source what it sent. Redriving helps only after a fix on our side.',
  },
  'missing-attribute': {
    title: 'An attribute is missing',
    todo: 'Ask the source to set it, and to send the event again.',
  },
  'invalid-attribute': {
    title: 'An attribute is malformed',
    todo: 'Ask the source to correct it, and to send the event again.',
  },
  'wrong-source': {
    title: 'It names another organisation as its source',
    todo: 'Ask the source. This can be a configuration mistake, or an attempt at misuse.',
  },
  'type-mismatch': {
    title: 'Its content does not match its type',
    todo: 'Ask the source to correct it.',
  },
  'marking-too-high': {
    title: 'It is marked above OFFICIAL-SENSITIVE',
    todo: 'It must not be on this bus. Tell the source at once.',
  },
  'cannot-project': {
    title: 'The releasable part could not be extracted',
    todo: 'Tell the people who run Causeway. Redrive after their fix.',
  },
  'id-conflict': {
    title: 'Its id was used before for another event',
    todo: 'Ask the source: one of the two events is wrong.',
  },
  'too-large': {
    title: 'It is too large',
    todo: 'Ask the source to send less, for example without an attachment.',
  },
  'gave-up': {
    title: 'The receiver did not accept it in any attempt',
    todo: 'Repair the receiver, then redrive.',
  },
  refused: {
    title: 'The receiver refused it permanently',
    todo: 'Ask the receiver why. Redrive when it will accept it.',
  },
  'time-out': {
    title: 'The receiver did not answer in time',
    todo: 'Check that the receiver works, then redrive.',
  },
  'no-header': { title: 'The message has no header', todo: 'Ask the source system’s engine what it sent.' },
  'not-adt': {
    title: 'It is not an admission, discharge or transfer message',
    todo: 'Remove that kind of message from this feed.',
  },
  'no-patient-segment': {
    title: 'The message does not identify a person',
    todo: 'Ask the source system to send it again, complete.',
  },
  'trigger-not-translated': {
    title: 'This kind of message is not supported',
    todo: 'Take it out of the feed, or have the adapter extended.',
  },
  'unknown-workflow': {
    title: 'It uses a workflow unknown to this adapter',
    todo: 'Add the workflow to its settings, or have it sent elsewhere. Then redrive.',
  },
  encrypted: {
    title: 'It is encrypted',
    todo: 'Ask the sender to send it plain: the mailbox is protected already.',
  },
  'damaged-compression': {
    title: 'It was compressed and cannot be opened',
    todo: 'Ask the sender to send it again.',
  },
  'translation-failed': {
    title: 'Translation failed',
    todo: 'Tell the people who run Causeway. Redrive after their fix.',
  },
  'invalid-data': {
    title: 'Its fields are malformed',
    todo: 'Ask the source to correct it, and to send it again.',
  },
  'row-id-twice': {
    title: 'Two rows of a view have one id',
    todo: 'Ask the author of the view to give each row an id of its own.',
  },
  'no-reason-given': { title: 'No reason was given', todo: 'Inspect one of them.' },
};

/** What a receiver said, as the end of a sentence; the delivery puts its code behind how the delivery ended. */
const SAID: Record<string, string> = {
  ae: 'it answered “application error”',
  ce: 'it answered “commit error”',
  ar: 'it rejected the message',
  cr: 'it rejected the message',
  'no-answer': 'it did not answer in time',
  'time-out': 'it did not answer in time',
  'server-error': 'it answered with a server error',
  'client-error': 'it did not accept the request',
  redirect: 'it answered with a redirect, which is not followed',
  'not-an-answer': 'it gave an unexpected answer',
  'row-refused': 'its database refused the row',
  'not-a-notification': 'it is not a notification',
  'no-event-type': 'it does not name its event',
  'no-identifier': 'it does not identify a person',
  'invalid-identifier': 'the number of the person fails its check',
  'time-in-future': 'it happened in the future, by its own clock',
  'unsupported-character-set': 'it is in a character set that is not read here',
  'unknown-code': 'it answered with an unknown code',
};
const ENDED = /^(refused|gave-up|undecodable)-(.+)$/;

/** A reason code in plain English, with what to do about it. */
export function reasonWords(reason: string): Words {
  const [, ended = '', said = ''] = ENDED.exec(reason) ?? [];
  const words = KNOWN[reason] ?? KNOWN[ended];
  if (!words)
    return { title: codeInWords(reason), todo: 'Inspect one of them, fix the cause, then redrive.' };
  return said
    ? { ...words, title: `${words.title}: ${SAID[said] ?? codeInWords(said).toLowerCase()}` }
    : words;
}
