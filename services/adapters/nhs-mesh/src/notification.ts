/** What the two kinds of notification, bundles and signals, have in common. */
import type { Fact } from '@causeway/runtime/source/fact';
import type { ShieldingMark } from '@causeway/runtime/source/shielding';
import type { Contact } from '@causeway/schemas/generated/types';
import type { UnreadableReason } from './tree.ts';

export type UndecodableReason =
  | UnreadableReason
  | 'not-a-notification'
  | 'no-event-type'
  | 'no-event-time'
  | 'time-in-future'
  | 'no-patient'
  | 'no-identifier'
  | 'invalid-identifier'
  | 'unexpected-life-cycle';

/** What a message says of whether its people's addresses may be known; without an order, where it has no time. */
export type Mark = Omit<ShieldingMark, 'on'>;

export type NotificationOutcome =
  | { kind: 'facts'; said: NotificationIdentity; facts: Fact[]; marks: Mark[] }
  | { kind: 'ignored'; reason: 'event-not-translated' }
  | { kind: 'undecodable'; reason: UndecodableReason; marks?: Mark[] };

/** How the national service names the message, what it says, and where it stands among others about the same person. */
export type NotificationIdentity = { identity: string[]; content: string; order: string };

export type Translation = { contact: Contact; now: Date };

/** The events that are translated, without the version at the end of their names. */
const EVENTS = [
  'pds-death-notification',
  'pds-change-of-address',
  'pds-change-of-gp',
  'pds-birth-notification',
  'pds-record-change',
  'nhs-number-change',
] as const;
export type Event = (typeof EVENTS)[number];

/** An event's name without its version; the samples of one publisher call a change `changed`. */
export const eventOf = (code: string): Event | undefined => {
  const base = code
    .trim()
    .toLowerCase()
    .replace(/-\d+$/, '')
    .replace(/^pds-record-changed$/, 'pds-record-change');
  return EVENTS.find((event) => event === base);
};

const DAY_MS = 86_400_000;

/** A clock that is wrong by more than a day must not keep everything later from being news. */
export const isInFuture = (at: string, now: Date): boolean => Date.parse(at) > now.getTime() + DAY_MS;
