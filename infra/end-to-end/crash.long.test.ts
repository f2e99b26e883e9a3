process.env.CRASH_BROKER = 'true';
await import('./crash.test.ts');

export {};
