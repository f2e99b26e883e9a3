import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectKafka, type Kafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import {
  type Config,
  ConfigError,
  databaseSettings,
  kafkaSettings,
  list,
  loadConfig,
  type Shape,
  text,
  url,
} from '@causeway/runtime/service/config';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { CannotStart, type Environment, homeOf } from './settings.ts';

/** The log-in of an operator or of the deployment step, which may be an administrator's; it has no default. */
export const clusterSettings = { ...kafkaSettings, KAFKA_BROKERS: list(), KAFKA_USERNAME: text() };

/** Where a system is, by the names that services use. A command asks for those that it needs. */
export const connectionSettings = {
  kafka: clusterSettings,
  registry: { SCHEMA_REGISTRY_URL: url() },
  database: databaseSettings,
};

/** How to get into a cluster as one who may do everything, as text by the names of the settings. */
export type ClusterAccess = {
  KAFKA_BROKERS: string;
  KAFKA_USERNAME: string;
  KAFKA_PASSWORD: string;
  KAFKA_TLS: string;
  KAFKA_CA_FILE?: string;
};

const NAMES = Object.values(connectionSettings).flatMap((shape) => Object.keys(shape));

/** The file below the home of a local system in which it keeps its connections while it runs. */
export const connectionsPath = (home: string) => join(home, 'connections.json');

/** Whether the environment names a system, in part at least; then the local one is left alone. */
export const isNamed = (env: Environment): boolean => NAMES.some((name) => env[name] || env[`${name}_FILE`]);

/** Whether there is a system to ask: one that the environment names, or the local one. */
export const hasSystem = (env: Environment): boolean =>
  isNamed(env) || existsSync(connectionsPath(homeOf(env)));

/**
 * The connections of the system that the environment names, otherwise of the local system that `npm start` runs. The two are never mixed.
 * @throws CannotStart where the environment lacks one of them, or no local system runs
 */
export function loadConnections<S extends Shape>(shape: S, env: Environment = process.env): Config<S> {
  const named = isNamed(env);
  try {
    return loadConfig(shape, named ? env : localConnections(env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = `Set the rest, or none of ${NAMES.join(', ')} for the local system.`;
    throw new CannotStart(`The environment names a system only in part. ${advice}\n${error.message}`);
  }
}

/** @throws CannotStart where it does not run */
export function localConnections<T = Environment>(env: Environment): T {
  try {
    return JSON.parse(readFileSync(connectionsPath(homeOf(env)), 'utf8'));
  } catch {
    throw new CannotStart('Causeway does not run; start it with npm start in another terminal.');
  }
}

export const clusterConfig = <A extends ClusterAccess>(access: A) => ({
  ...access,
  KAFKA_BROKERS: access.KAFKA_BROKERS.split(','),
  KAFKA_TLS: access.KAFKA_TLS === 'true',
});

export const connectTo = (access: ClusterAccess, clientId: string, log: Logger): Kafka =>
  connectKafka(kafkaOptions(clusterConfig(access), clientId), log);
