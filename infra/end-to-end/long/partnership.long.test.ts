/** The same as in `partnership.test.ts`, with the simulators at the pace of `npm start`. */
process.env.PARTNERSHIP_PACE = 'usual';
await import('../partnership.test.ts');
