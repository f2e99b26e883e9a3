import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { repository } from '../common/paths.ts';

/** A package of ours: its folder below the repository and what its manifest says. */
type Package = {
  folder: string;
  name: string;
  dependencies: ReadonlySet<string>;
  devDependencies: ReadonlySet<string>;
  exports: Record<string, string | null | object>;
};

type Import = {
  specifier: string /** The file of ours that is meant, from the repository's folder. */;
  file?: string;
};
export type Source = { path: string; package: Package; isTest: boolean; imports: readonly Import[] };

const PACKAGES = ['schemas', 'infra', 'services/*', 'services/adapters/*'].map(
  (folder) => `${folder}/package.json`,
);
const SOURCES = ['{schemas,services,infra}/**/*.{ts,mjs}'];
const IMPORTS = [
  /^(?:import|export)\s[^'";]*?\bfrom\s+'([^']+)'/gm,
  /^import\s+'([^']+)'/gm,
  /\bimport\('([^']+)'\)/g,
  /\bnew URL\('([^']+\.ts)', import\.meta\.url\)/g,
];
const TEST = /\.test\.ts$|(^|\/)testing(\/|[^/]*\.ts$)|^infra\/(end-to-end|bench)\//;

export const findPackages = (): Package[] =>
  globSync(PACKAGES, { cwd: repository }).map((path) => {
    const manifest = JSON.parse(readFileSync(join(repository, path), 'utf8'));
    return {
      folder: dirname(path),
      name: manifest.name,
      dependencies: new Set(Object.keys(manifest.dependencies ?? {})),
      devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
      exports: manifest.exports ?? {},
    };
  });

/** Every source file of the repository with what it imports; types count as much as values. */
export function readSources(packages = findPackages()): Source[] {
  const files = globSync(SOURCES, { cwd: repository, exclude: (name) => name === 'node_modules' });
  return files
    .filter((path) => !path.split('/').includes('node_modules'))
    .sort()
    .map((path) => {
      const owner = packages
        .filter(({ folder }) => path.startsWith(`${folder}/`))
        .reduce((longest, one) => (one.folder.length > longest.folder.length ? one : longest));
      return { path, package: owner, isTest: TEST.test(path), imports: importsOf(path, packages) };
    });
}

/** What a file imports, in the order of the four forms that an import has here. */
export function importsOf(path: string, packages: readonly Package[]): Import[] {
  const text = readFileSync(join(repository, path), 'utf8');
  const specifiers = IMPORTS.flatMap((form) =>
    [...text.matchAll(form)].flatMap(([, specifier]) => specifier ?? []),
  );
  return [...new Set(specifiers)].map((specifier) => {
    const file = fileOf(specifier, path, packages);
    return file === undefined ? { specifier } : { specifier, file };
  });
}

/** The name of the package that a specifier means, undefined for a relative one and for a part of Node. */
export const packageName = (specifier: string): string | undefined =>
  /^(\.|node:|\/)/.test(specifier)
    ? undefined
    : specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

function fileOf(specifier: string, from: string, packages: readonly Package[]): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  const owner = packages.find(({ name }) => name === packageName(specifier));
  if (!owner) return undefined;
  const wanted = `.${specifier.slice(owner.name.length)}`;
  // The most particular pattern counts, as in Node.
  const patterns = Object.entries(owner.exports).sort(([a], [b]) => b.length - a.length);
  for (const [pattern, target] of patterns) {
    const [before = '', after = ''] = pattern.split('*');
    if (!wanted.startsWith(before) || !wanted.endsWith(after)) continue;
    if (typeof target !== 'string') return undefined;
    const part = wanted.slice(before.length, wanted.length - after.length);
    return normalize(join(owner.folder, target.replace('*', part)));
  }
  return undefined;
}

export const isThere = (path: string): boolean => existsSync(join(repository, path));
