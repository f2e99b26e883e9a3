import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOOPBACK } from '../../common/ports.ts';
import { CannotStart } from '../../common/settings.ts';
import type { PartSpec } from '../supervisor/supervisor.ts';
import { java, javaEnvironment, partsCache, smallJvm } from './java.ts';

type Registry = { directory: string; port: number; databaseUrl: string };

export const registryUrl = (port: number) => `http://${LOOPBACK}:${port}/apis/ccompat/v7`;

/** The schema registry, which keeps its schemas and their ids in PostgreSQL. */
export function registryPart({ directory, port, databaseUrl }: Registry): PartSpec {
  const database = new URL(databaseUrl);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const folder = join(partsCache, 'registry');
  const jar = readdirSync(folder).find((name) => name.endsWith('-runner.jar'));
  if (!jar) throw new CannotStart('The schema registry was not downloaded; run npm start again.');
  return {
    name: 'registry',
    command: java,
    args: [...smallJvm(256), '-jar', join(folder, jar)],
    cwd: directory,
    env: {
      ...javaEnvironment(),
      QUARKUS_HTTP_HOST: LOOPBACK,
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_LOG_LEVEL: 'WARN',
      QUARKUS_BANNER_ENABLED: 'false',
      QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
      QUARKUS_LOG_CATEGORY__IO_APICURIO__LEVEL: 'WARN',
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'postgresql',
      APICURIO_DATASOURCE_URL: `jdbc:postgresql://${database.host}${database.pathname}${database.search}`,
      APICURIO_DATASOURCE_USERNAME: decodeURIComponent(database.username),
      APICURIO_DATASOURCE_PASSWORD: decodeURIComponent(database.password),
      APICURIO_DATASOURCE_JDBC_INITIAL_SIZE: '2',
      APICURIO_DATASOURCE_JDBC_MIN_SIZE: '2',
    },
    probe: async () => {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${registryUrl(port)}/subjects`, { signal });
      await answer.arrayBuffer();
      return answer.ok;
    },
    // After its database was away it may keep dead connections: then it is started again.
    unresponsiveMs: 8_000,
    stopTimeoutMs: 2_000,
  };
}
