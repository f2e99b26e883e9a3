import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Shape } from '@causeway/runtime/config';
import type { Service } from './services.ts';

/**
 * The settings that a service declares beside its start: `settings` of its main module or of its adapter.
 * @throws Error for a service that declares none
 */
export async function settingsOf({ name, directory }: Pick<Service, 'name' | 'directory'>): Promise<Shape> {
  for (const file of [`src/${name}.ts`, 'src/adapter.ts']) {
    const path = join(directory, file);
    if (!existsSync(path)) continue;
    const module: Record<string, unknown> = await import(path);
    const shape = module.settings ?? module[`${name}Settings`];
    if (shape) return shape as Shape;
  }
  throw new Error(
    `${name} declares no settings: export them as "settings" from src/${name}.ts or src/adapter.ts`,
  );
}
