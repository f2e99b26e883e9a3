import { createHash } from 'node:crypto';
import pg from 'pg';

/** A lock that one process of several holds, for as long as its connection lives: a killed process has lost it at once. */
type Lock = {
  /** Takes the lock where it is free; true while it is held. @throws Error where the database does not answer */
  hold(): Promise<boolean>;
  /** Whether it is held as far as this process knows. */
  isHeld(): boolean;
  close(): Promise<void>;
};

/** One of our own database's advisory locks, named by text. */
export const createLock = (url: string, name: string): Lock => {
  const key = createHash('sha256').update(name).digest().readUIntBE(0, 6);
  let client: pg.Client | undefined;
  let held = false;

  const drop = async (): Promise<void> => {
    const old = client;
    client = undefined;
    held = false;
    await old?.end().catch(() => undefined);
  };

  return {
    isHeld: () => held,
    async hold() {
      if (held) return true;
      await drop();
      const fresh = new pg.Client({
        connectionString: url,
        connectionTimeoutMillis: 3_000,
        query_timeout: 5_000,
        keepAlive: true,
        application_name: 'causeway council-social-care lock',
      });
      // The server's end of it: whoever waits takes over, so this process must stop.
      fresh.on('error', () => {
        if (client === fresh) held = false;
      });
      fresh.on('end', () => {
        if (client === fresh) held = false;
      });
      client = fresh;
      try {
        await fresh.connect();
        const { rows } = await fresh.query('select pg_try_advisory_lock($1) as held', [key]);
        held = rows[0]?.held === true;
      } finally {
        if (!held) await drop();
      }
      return held;
    },
    close: drop,
  };
};
