import type { Deadline, Priority } from '../avro/act-by-rule.ts';
import { instantInLondon, londonOffset } from '../dates/london.ts';
import type { EventType } from './catalogue.ts';

/** What a source puts into `ce_priority` and `ce_actby`. */
type Urgency = { priority: Priority; actBy?: string };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Office hours and the beginning of the school day, on the wall clock of London. */
const OPENS = 9 * HOUR;
const CLOSES = 17 * HOUR;
const SCHOOL_BEGINS = 8.5 * HOUR;

/**
 * The priority of an event and by when it must have been acted on (RFC 3339), as its type says. Saturdays and Sundays are no working days; bank and
 * school holidays are not known and count as if they were, which makes a deadline early and never late.
 * @param occurredAt RFC 3339 with offset
 */
export function urgencyOf(
  { defaultPriority, actBy: rule }: Pick<EventType, 'defaultPriority' | 'actBy'>,
  data: Readonly<Record<string, unknown>>,
  occurredAt: string,
): Urgency {
  if (!rule) return { priority: defaultPriority };
  const chosen = 'by' in rule ? rule.cases[String(data[rule.by])] : rule;
  if (!chosen) return { priority: defaultPriority };
  const { priority = defaultPriority } = chosen;
  return { priority, actBy: deadline(chosen, occurredAt) };
}

function deadline(rule: Deadline, occurredAt: string): string {
  const at = Date.parse(occurredAt);
  const wall = at + londonOffset(at) * MINUTE;
  if ('before' in rule) return instantInLondon(nextWorkingDay(startOf(wall)) + SCHOOL_BEGINS);
  const length = millisecondsOf(rule.within);
  if (rule.counted === 'elapsed') {
    const due = at + length;
    return instantInLondon(due + londonOffset(due) * MINUTE);
  }
  return instantInLondon(
    rule.counted === 'working-days' ? afterDays(wall, length / DAY) : afterWork(wall, length),
  );
}

/** The end of the working day that lies so many working days later. */
function afterDays(wall: number, days: number): number {
  let day = startOf(wall);
  for (let left = days; left > 0; left -= 1) day = nextWorkingDay(day);
  return day + CLOSES;
}

function afterWork(wall: number, length: number): number {
  let day = startOf(wall);
  let from = Math.max(wall - day, OPENS);
  if (isWeekend(day) || from >= CLOSES) [day, from] = [nextWorkingDay(day), OPENS];
  for (let left = length; ; ) {
    if (from + left <= CLOSES) return day + from + left;
    left -= CLOSES - from;
    [day, from] = [nextWorkingDay(day), OPENS];
  }
}

const startOf = (wall: number): number => wall - (((wall % DAY) + DAY) % DAY);

const isWeekend = (day: number): boolean => [0, 6].includes(new Date(day).getUTCDay());

function nextWorkingDay(day: number): number {
  let next = day + DAY;
  while (isWeekend(next)) next += DAY;
  return next;
}

/** @throws Error for anything but whole days or hours (`P15D`, `PT72H`), which is all that schemas use */
export function millisecondsOf(duration: string): number {
  const [, days, hours] = /^P(?:(\d+)D|T(\d+)H)$/.exec(duration) ?? [];
  if (days === undefined && hours === undefined) throw new Error('a deadline is in whole days or hours');
  return Number(days ?? 0) * DAY + Number(hours ?? 0) * HOUR;
}
