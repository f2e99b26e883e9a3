import type { DutyContact, Organisation } from '@causeway/runtime/reference-data/organisations';
import { currentVersions } from '@causeway/schemas/agreements/log';
import { maySee, nameIn, type Viewer } from '../access/viewer.ts';
import { type AlertReaders, alertsFor, type Banner } from '../alerts/alerts.ts';
import type { Pressing } from '../alerts/attention.ts';
import { type PartReaders, stoppedParts } from '../alerts/stopped.ts';
import { eventTitle } from '../web/event-titles.ts';
import { ageInWords, countInWords, momentInWords, sinceInWords } from '../web/wording.ts';
import { contactsAt } from './contacts.ts';

export type OverviewReaders = AlertReaders & PartReaders;

export type Call = {
  headline: string;
  what: string;
  from: string;
  to: string;
  details: { label: string; value: string }[];
  ring: (DutyContact & { now: boolean })[];
  immediate: boolean;
  reference: string;
};
type OverviewView = {
  calls: Call[];
  moreCalls: number;
  stopped: { title: string; meaning: string; todo: string; since: string }[];
  alerts: Banner[];
  quiet: boolean;
  onTheirWay: string;
  known: boolean;
};

const SHOWN = 10;

/** Which organisations need a phone call, and on which number. */
export function overviewView(readers: OverviewReaders, viewer: Viewer, now: number): OverviewView {
  const attention = readers.attention();
  const pressing = (attention?.pressing ?? []).filter(
    (event) => (maySee(viewer, event.source) || maySee(viewer, event.recipient)) && isOverdue(readers, event),
  );
  const stopped = stoppedParts(readers, viewer, now);
  const alerts = alertsFor(readers, viewer, now);
  return {
    calls: pressing.slice(0, SHOWN).map((event) => callOf(readers, event, now)),
    moreCalls: Math.max(0, pressing.length - SHOWN),
    stopped,
    alerts,
    quiet: pressing.length === 0 && stopped.length === 0 && alerts.length === 0,
    onTheirWay: countInWords(attention?.onTheirWay ?? 0),
    known: attention !== undefined,
  };
}

/** Where no agreement asks for an acknowledgement, none is late; delivery always counts. */
function isOverdue(readers: OverviewReaders, event: Pressing): boolean {
  if (event.deliveredAt === null) return true;
  const current = currentVersions(readers.agreements());
  const ids = new Set(event.agreements.map((reference) => reference.split('/')[0]));
  return current.some(({ id, agreement }) => ids.has(id) && agreement.feedback);
}

function callOf(readers: OverviewReaders, event: Pressing, now: number): Call {
  const nameOf = nameIn(readers);
  const to = nameOf(event.recipient);
  const recipient = readers.organisations().find(({ id }) => id === event.recipient);
  return {
    headline: headlineOf(event, to, now),
    what: eventTitle(event.type),
    from: nameOf(event.source),
    to,
    details: [
      { label: 'From', value: nameOf(event.source) },
      { label: 'Released', value: momentInWords(event.releasedAt.getTime(), now) },
      ...(event.actBy
        ? [{ label: 'To be acted on by', value: momentInWords(event.actBy.getTime(), now) }]
        : []),
      ...(event.deliveredAt
        ? [{ label: 'Delivered', value: momentInWords(event.deliveredAt.getTime(), now) }]
        : []),
    ],
    ring: ringOf(recipient, now),
    immediate: event.priority === 'immediate',
    reference: event.eventId,
  };
}

function headlineOf(event: Pressing, to: string, now: number): string {
  if (event.deliveredAt === null && event.failed) return `${to} has not received it: delivery failed`;
  if (event.deliveredAt === null)
    return `${to} has not received it, ${sinceInWords(event.releasedAt.getTime(), now)} after it was released`;
  const late = event.actBy ? ageInWords((now - event.actBy.getTime()) / 1000) : '';
  return `${to} has not acknowledged it${late ? `, ${late} after it was due` : ''}`;
}

function ringOf(recipient: Organisation | undefined, now: number) {
  return recipient ? contactsAt(recipient.dutyContacts, now) : [];
}
