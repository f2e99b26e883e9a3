/** The same tests as in `sink.test.ts`, with a minute of misbehaviour. */
process.env.SINK_SOAK_SECONDS = '60';
await import('./sink.test.ts');
