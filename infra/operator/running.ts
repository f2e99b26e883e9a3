import { readFileSync } from 'node:fs';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { CannotStart, homeOf } from '../common/settings.ts';
import type { ClusterAccess } from '../dev/backing-services/kafka.ts';
import { connectionsPath } from '../dev/system.ts';

/** How our own commands get into the system that `npm start` has brought up. */
export type RunningSystem = ClusterAccess & {
  SCHEMA_REGISTRY_URL: string;
  DATABASE_URL: string;
  organisations: string[];
};

/** @throws CannotStart where it does not run */
export function runningSystem(): RunningSystem {
  try {
    return JSON.parse(readFileSync(connectionsPath(homeOf(process.env)), 'utf8'));
  } catch {
    throw new CannotStart('Causeway does not run; start it with npm start in another terminal.');
  }
}

export function connectTo(system: ClusterAccess, clientId: string, log: Logger): Kafka {
  return connectKafka(
    {
      brokers: system.KAFKA_BROKERS.split(','),
      username: system.KAFKA_USERNAME,
      password: system.KAFKA_PASSWORD,
      clientId,
      ...(system.KAFKA_TLS === 'true'
        ? { tls: system.KAFKA_CA_FILE ? { ca: readFileSync(system.KAFKA_CA_FILE, 'utf8') } : {} }
        : {}),
    },
    log,
  );
}

/** Runs a command: its answer is the exit code, what it cannot do is said in one sentence with exit code 2. */
export async function runCommand(main: (args: string[]) => Promise<number>): Promise<void> {
  // Whoever read our output may have seen enough, `head` for one.
  process.stdout.on('error', () => process.exit());
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    const expected =
      error instanceof CannotStart || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    if (!expected) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
  }
}
