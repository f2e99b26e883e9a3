/** A point in time by two clocks: the one can be set back, and the other stands still while a machine sleeps. */
export type MonotonicTime = { wall: number; steady: number };

export const LONG_AGO: MonotonicTime = { wall: Number.NEGATIVE_INFINITY, steady: Number.NEGATIVE_INFINITY };

export const monotonicNow = (): MonotonicTime => ({ wall: Date.now(), steady: performance.now() });

/** Milliseconds since, by the clock that says more. */
export const ageOf = ({ wall, steady }: MonotonicTime): number =>
  Math.max(Date.now() - wall, performance.now() - steady);
