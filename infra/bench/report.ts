export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** The value below which that share of the samples lies; NaN without samples. */
export const percentile = (samples: readonly number[], share: number): number =>
  [...samples].sort((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * share))] ??
  Number.NaN;

export const perSecond = (count: number, ms: number): number => Math.round((count / ms) * 1_000);

export const spread = (samples: readonly number[]): string =>
  `p50 ${percentile(samples, 0.5).toFixed(1)} ms, p99 ${percentile(samples, 0.99).toFixed(1)} ms`;
