import { createRequire } from 'node:module';
import kafkajs, { type Kafka as Client, type logCreator, type Mechanism } from 'kafkajs';
import type { Logger } from '../../telemetry/log.ts';
import { applyPatches } from './patches.ts';

const load = createRequire(import.meta.url);
const scram512: (sasl: { username: string; password: string }) => Mechanism['authenticationProvider'] = load(
  'kafkajs/src/broker/saslAuthenticator/scram512',
);

export type KafkaOptions = {
  brokers: string[];
  username: string;
  password: string;
  /** Tried where the other one is refused, and the other way round: whichever the broker knows counts. */
  previousPassword?: string;
  clientId: string;
  tls?: { ca?: string };
};

/** Connects nothing yet. */
export const createClient = (options: KafkaOptions, log: Logger): Client => {
  applyPatches();
  return new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: options.brokers,
    sasl: logIn(options),
    ...(options.tls
      ? { ssl: { minVersion: 'TLSv1.2' as const, ...(options.tls.ca ? { ca: [options.tls.ca] } : {}) } }
      : {}),
    connectionTimeout: 10_000,
    authenticationTimeout: 20_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 3 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: pinoLogCreator(log),
  });
};

/**
 * How each connection logs in. Kafka keeps one password per user, so while it is being changed this process cannot know which one the
 * broker has: after a refusal the next connection tries the other one.
 */
const logIn = ({ username, password, previousPassword }: KafkaOptions): Mechanism => {
  const passwords = [password, ...(previousPassword === undefined ? [] : [previousPassword])];
  let current = 0;
  return {
    mechanism: 'scram-sha-512',
    authenticationProvider: (connection) => ({
      authenticate: async () => {
        const tried = current;
        try {
          await scram512({ username, password: passwords[tried] ?? password })(connection).authenticate();
        } catch (error) {
          // Of several connections that were refused together only the first one changes over.
          if (current === tried) current = (tried + 1) % passwords.length;
          throw error;
        }
      },
    }),
  };
};

const pinoLogCreator =
  (log: Logger): logCreator =>
  () =>
  ({ namespace, level, log: entry }) => {
    // The client logs every rebalance and every retried request as an error: what matters is thrown as well.
    const fields = { namespace, ...('error' in entry ? { cause: String(entry.error) } : {}) };
    if (level === kafkajs.logLevel.DEBUG) log.trace(fields, entry.message);
    else log.debug(fields, entry.message);
  };
