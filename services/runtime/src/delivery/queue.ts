import type { Envelope, Priority } from '../bus/envelope.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';

/**
 * What waits to be delivered from one partition, and what of it may be tried now. Pure but for its own lists.
 *
 * Order is kept per subject. While an event of a subject is being tried or waits to be tried again, later ones of that
 * subject wait behind it. Only an immediate event goes past those that wait, and only past events of lower
 * priority that do not concern the same fact: a correction must not arrive before what it corrects.
 */
export type Item = {
  /** Offset in the inbox partition. */
  position: number;
  event: EventRef;
  /** When it came into the inbox, milliseconds since 1970. */
  since: number;
  /** Parked: written down as waiting, behind the head. Fresh: at or beyond the head. */
  parked: boolean;
  /** Tries that count. */
  tries: number;
  firstTry: number | null;
  /** Not before then, milliseconds since 1970. */
  due: number;
  /** Offset of the dead letter that it is redriven from, and the request. */
  deadLetter: number | null;
  redrive: string | null;
  /** Of a fresh one: the record as it was read, and what its headers say where they can be read. */
  record?: FetchedRecord;
  envelope?: Envelope;
};

/** As much of the event as order needs. */
export type EventRef = {
  id: string;
  type: string;
  subject: string;
  priority: Priority;
  corrects: string | null;
};

export const eventRef = ({ id, type, subject, priority, corrects }: Envelope): EventRef => ({
  id,
  type,
  subject,
  priority: priority ?? 'routine',
  corrects: corrects ?? null,
});

export type Queue = {
  /** A fresh item that has to wait behind parked ones becomes parked by that: the caller writes it down. */
  add(item: Item): void;
  has(position: number): boolean;
  /** At most `count` items that may be tried now, the most pressing first. Each subject has one at a time. */
  ready(now: number, count: number): Item[];
  /** Takes an item out of `ready` until it is settled in one of the ways below. */
  begin(item: Item): void;
  /** It and, behind it, what waits for it is tried from `item.due` on. Returns what has become parked by that. */
  park(item: Item): Item[];
  /** It is tried from `item.due` on and has not become parked. */
  postpone(item: Item): void;
  /** It waits no longer. */
  remove(item: Item): void;
  /** When something can be tried that cannot now; null where only another event's end can change that. */
  nextDue(): number | null;
  size(): { fresh: number; parked: number; busy: number };
  /** The lowest position that is neither parked nor done, or null. */
  firstFresh(): number | null;
  freshBytes(): number;
};

type Line = { items: Item[]; immediate: number; busy: boolean };

export const createQueue = (): Queue => {
  const lines = new Map<string, Line>();
  const positions = new Set<number>();
  const fresh: Item[] = [];
  let freshCount = 0;
  let bytes = 0;
  let busy = 0;

  const leaveFresh = (item: Item): void => {
    freshCount -= 1;
    bytes -= sizeOf(item);
    forgetRecord(item);
    while (fresh[0] !== undefined && (fresh[0].parked || !positions.has(fresh[0].position))) fresh.shift();
  };

  const candidates = ({ items, immediate }: Line): Item[] => {
    const [first] = items;
    if (first === undefined) return [];
    if (immediate === 0 || first.event.priority === 'immediate') return [first];
    const passing = items.find((item, index) => index > 0 && mayPass(item, items, index));
    return passing === undefined ? [first] : [passing, first];
  };

  const nextOf = (line: Line, now: number): Item | undefined => {
    if (line.immediate > 0) return candidates(line).find(({ due }) => due <= now);
    const [first] = line.items;
    return first !== undefined && first.due <= now ? first : undefined;
  };

  const release = (item: Item): void => {
    const line = lines.get(item.event.subject);
    if (line?.busy) {
      line.busy = false;
      busy -= 1;
    }
  };

  return {
    add(item) {
      const { subject, priority } = item.event;
      const line = lines.get(subject) ?? { items: [], immediate: 0, busy: false };
      lines.set(subject, line);
      const at = line.items.findLastIndex(({ position }) => position < item.position);
      line.items.splice(at + 1, 0, item);
      if (priority === 'immediate') line.immediate += 1;
      positions.add(item.position);
      if (line.items.some(({ parked }) => parked) && !mayPass(item, line.items, line.items.indexOf(item))) {
        item.parked = true;
        forgetRecord(item);
      }
      if (item.parked) return;
      fresh.push(item);
      freshCount += 1;
      bytes += sizeOf(item);
    },
    has: (position) => positions.has(position),
    ready(now, count) {
      const found: Item[] = [];
      for (const line of lines.values()) {
        if (line.busy) continue;
        const item = nextOf(line, now);
        if (item === undefined) continue;
        const last = found[count - 1];
        if (last !== undefined && byPressure(item, last) >= 0) continue;
        // Few are asked for among many: kept in order, they need no sorting of all.
        const at = found.findIndex((one) => byPressure(item, one) < 0);
        found.splice(at < 0 ? found.length : at, 0, item);
        if (found.length > count) found.pop();
      }
      return found;
    },
    begin({ event }) {
      const line = lines.get(event.subject);
      if (line === undefined || line.busy) return;
      line.busy = true;
      busy += 1;
    },
    park(item) {
      release(item);
      const items = lines.get(item.event.subject)?.items ?? [];
      const behind = items.filter(
        (one, index) => one !== item && !one.parked && !mayPass(one, items, index, item),
      );
      const parking = item.parked ? behind : [item, ...behind];
      for (const one of parking) one.parked = true;
      for (const one of parking) leaveFresh(one);
      return parking;
    },
    postpone: release,
    remove(item) {
      release(item);
      const line = lines.get(item.event.subject);
      if (line === undefined || !positions.delete(item.position)) return;
      line.items.splice(line.items.indexOf(item), 1);
      if (item.event.priority === 'immediate') line.immediate -= 1;
      if (line.items.length === 0) lines.delete(item.event.subject);
      if (!item.parked) leaveFresh(item);
    },
    nextDue() {
      let next: number | null = null;
      for (const line of lines.values()) {
        if (line.busy) continue;
        const [first] = line.items;
        const waiting = line.immediate > 0 ? candidates(line) : first === undefined ? [] : [first];
        for (const { due } of waiting) if (next === null || due < next) next = due;
      }
      return next;
    },
    size: () => ({ fresh: freshCount, parked: positions.size - freshCount, busy }),
    firstFresh: () => fresh[0]?.position ?? null,
    freshBytes: () => bytes,
  };
};

const forgetRecord = (item: Item): void => {
  delete item.record;
  delete item.envelope;
};

const sizeOf = ({ record }: Item): number => 200 + (record?.value?.length ?? 0);

const byPressure = (a: Item, b: Item): number => pressure(a) - pressure(b) || startOf(a) - startOf(b);
const pressure = ({ event }: Item): number => (event.priority === 'immediate' ? 0 : 1);
/** Since when it could have been tried. */
const startOf = (item: Item): number => Math.max(item.since, item.due);

/** Whether the item may be tried before everything that stands before it. `parking` counts as parked. */
const mayPass = (item: Item, items: readonly Item[], index: number, parking?: Item): boolean =>
  item.event.priority === 'immediate' &&
  items
    .slice(0, index)
    .every(
      (before) =>
        (before.parked || before === parking) &&
        before.event.priority !== 'immediate' &&
        !isSameFact(before.event, item.event),
    );

const CORRECTION = /\.(voided|corrected)\.v\d+$/;
/** `uk.causeway.nhs.inpatient-admission.voided.v1` is about `uk.causeway.nhs.inpatient-admission`. */
const familyOf = (type: string): string => type.replace(/\.[a-z-]+\.v\d+$/, '');

/**
 * Whether one event corrects the other, or both the same. Where a correction does not know what it corrects, any fact of its
 * kind about the same person may be meant.
 */
export const isSameFact = (a: EventRef, b: EventRef): boolean => {
  if (a.corrects === b.id || b.corrects === a.id) return true;
  if (a.corrects !== null && a.corrects === b.corrects) return true;
  const blind = [a, b].some(({ type, corrects }) => corrects === null && CORRECTION.test(type));
  return blind && familyOf(a.type) === familyOf(b.type);
};
