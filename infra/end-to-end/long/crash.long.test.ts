/** The same as in `crash.test.ts`, with more messages. */
process.env.CRASH_MESSAGES = '5000';
await import('../crash.test.ts');
