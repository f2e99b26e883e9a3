/** The same tests as in `contacts.test.ts`, with a minute of kills. */
process.env.CONTACTS_SOAK_SECONDS = '60';
await import('./contacts.test.ts');
