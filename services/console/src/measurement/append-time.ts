/** Finer than anybody reads a lag, and few questions. */
export const PRECISION_MS = 100;
const FIRST_STEP_MS = 1_000;

/**
 * The latest time for which `holds` is true, found by asking about few times. `holds` must be true for all
 * times up to some moment and false after it.
 *
 * The broker says which offset belongs to a time, never which time belongs to an offset, unless one reads the
 * record. The console has no right to read an outbox, and should have none: it holds whole cases. So the time
 * at which a record was appended is found from the other side, by bisection.
 *
 * @param guess a time near which, and not after which, the answer is expected; a wrong guess costs questions only
 * @returns the answer, at most `precisionMs` too early; `now` if it is later than that; 0 if there is none
 */
export async function latestTime(
  holds: (time: number) => Promise<boolean>,
  { now, guess }: { now: number; guess?: number | undefined },
  precisionMs = PRECISION_MS,
): Promise<number> {
  if (await holds(now)) return now;
  let early = guess === undefined ? now - FIRST_STEP_MS : Math.min(guess, now - 1);
  let late = now;
  while (!(await holds(early))) {
    if (early <= 0) return 0;
    late = early;
    early = Math.max(0, now - Math.max(FIRST_STEP_MS, (now - early) * 2));
  }
  while (late - early > precisionMs) {
    const middle = Math.floor((early + late) / 2);
    if (await holds(middle)) early = middle;
    else late = middle;
  }
  return early;
}
