import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Shape, serviceSettings } from '@causeway/runtime/service/config';

/** The folder below `services` with its package.json. */
type Service = { name: string; directory: string };

/**
 * The settings that a service declares beside its start: `settings` of its main module or of its adapter.
 * @throws Error for a service that declares none
 */
export async function settingsOf({ name, directory }: Service): Promise<Shape> {
  for (const file of [`src/${name}.ts`, `src/app/${name}.ts`, 'src/adapter.ts']) {
    const path = join(directory, file);
    if (!existsSync(path)) continue;
    const module: Record<string, unknown> = await import(path);
    const shape = module.settings ?? module[`${name}Settings`];
    if (shape) return shape as Shape;
  }
  throw new Error(
    `${name} declares no settings: export them as "settings" from src/${name}.ts, src/app/${name}.ts or src/adapter.ts`,
  );
}

/** Variables that the process or the chassis reads, and no service. */
const OF_THE_PROCESS =
  /^(NODE_ENV|NODE_EXTRA_CA_CERTS|MALLOC_[A-Z_]+|CAUSEWAY_LANES|OTEL_EXPORTER_OTLP_HEADERS)$/;

/**
 * Asserts that an installation's description of services names only what some service reads, so that a misspelt setting is found, and
 * gives each of them what it needs while a key changes.
 */
export async function assertSettings(
  described: readonly { service: Service; environment: Record<string, unknown> }[],
): Promise<void> {
  const shapes = await Promise.all(described.map(({ service }) => settingsOf(service)));
  const known = new Set([serviceSettings, ...shapes].flatMap((shape) => Object.keys(shape)));
  for (const [index, { service, environment }] of described.entries()) {
    const given = Object.keys(environment).map((name) =>
      known.has(name) ? name : name.replace(/_FILE$/, ''),
    );
    const unread = given.filter((name) => !known.has(name) && !OF_THE_PROCESS.test(name));
    assert.deepEqual(unread, [], `${service.name} is given a setting that it does not read`);
    const replaced = Object.keys(shapes[index] ?? {}).filter((name) => name.endsWith('_PREVIOUS'));
    const missing = replaced.filter((name) => !given.includes(name));
    assert.deepEqual(missing, [], `${service.name} cannot be given them while a key changes`);
  }
}
