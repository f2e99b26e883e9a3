export type Priority = 'immediate' | 'urgent' | 'same-day' | 'routine';

/**
 * By when an event must have been acted on, counted from when it happened: `within` an ISO 8601 duration of hours or days, or
 * `before` the next school day begins.
 */
export type Deadline = (
  | { within: string; counted: 'elapsed' | 'working-hours' | 'working-days' }
  | { before: 'next-school-day' }
) & { priority?: Priority };

/** One deadline for every event of the type, or by the value of a code in it. A deadline may set the priority too. */
export type ActByRule = Deadline | { by: string; cases: Record<string, Deadline> };
