process.env.POLICE_RECORDS_SOAK_EVENTS = '300';
await import('./sink.test.ts');
