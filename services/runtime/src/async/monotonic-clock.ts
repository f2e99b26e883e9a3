/** A point in time by two clocks: the one can be set back, and the other stands still while a machine sleeps. */
export type Moment = { wall: number; steady: number };

export const LONG_AGO: Moment = { wall: Number.NEGATIVE_INFINITY, steady: Number.NEGATIVE_INFINITY };

export const thisMoment = (): Moment => ({ wall: Date.now(), steady: performance.now() });

/** Milliseconds since, by the clock that says more. */
export const ageOf = ({ wall, steady }: Moment): number =>
  Math.max(Date.now() - wall, performance.now() - steady);
