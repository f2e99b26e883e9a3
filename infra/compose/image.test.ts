import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, matchesGlob } from 'node:path';
import { test } from 'node:test';
import { repository } from '../common/paths.ts';
import { findPackages, importsOf, packageName } from '../scripts/sources.ts';

/** Whether Docker leaves a file out: the last rule of .dockerignore that matches it or a folder above it counts. */
const rules = readFileSync(join(repository, '.dockerignore'), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ ignored: !line.startsWith('!'), pattern: line.replace(/^!/, '').replace(/\/$/, '') }));
const isIgnored = (path: string): boolean => {
  const parts = path.split('/');
  const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  return (
    rules.findLast(({ pattern }) => prefixes.some((prefix) => matchesGlob(prefix, pattern)))?.ignored ?? false
  );
};

const packages = findPackages();

/** What the last stage of the Dockerfile holds of the repository, by its own COPY lines. */
function imageFiles(): Set<string> {
  const dockerfile = readFileSync(join(repository, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(?:--parents )?(.+) (\S+)$/gm)].map(
    ([line, sources = '', target = '']) => ({ line, sources: sources.split(' '), target }),
  );
  assert.ok(copied.length >= 5);
  const all = globSync('**/*', { cwd: repository, withFileTypes: true, exclude: notOfTheRepository })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1));
  const taken = copied.flatMap(({ line, sources, target }) => {
    assert.ok(target === './' || (sources.length === 1 && sources[0] === target), `${line} renames a file`);
    return all.filter((path) =>
      sources.some((source) => matchesGlob(path, source) || path.startsWith(`${source}/`)),
    );
  });
  return new Set(taken.filter((path) => !isIgnored(path)));
}
const notOfTheRepository = ({ name }: { name: string }) =>
  ['node_modules', '.git', '.causeway'].includes(name);

const files = imageFiles();
const sources = [...files].filter((path) => path.endsWith('.ts'));
const entryPoints = [
  ...globSync(['services/*/src/main.ts', 'services/adapters/*/src/main.ts'], { cwd: repository }),
  ...globSync(['infra/deploy/{main,healthy}.ts', 'infra/operator/*.ts'], { cwd: repository }),
].filter((path) => !path.endsWith('.test.ts'));

/** Everything that the entry points import, directly or not, and every import that leads out of the image. */
function follow(): { reached: Set<string>; lost: string[] } {
  const reached = new Set<string>();
  const lost: string[] = [];
  const waiting = [...entryPoints];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    if (!files.has(path)) lost.push(path);
    if (!path.endsWith('.ts') || !files.has(path)) continue;
    for (const { specifier, file } of importsOf(path, packages)) {
      if (file !== undefined) waiting.push(file);
      else if (!isBuiltin(specifier) && !isInstalled(path, packageName(specifier)))
        lost.push(`${path} imports ${specifier}`);
    }
  }
  return { reached, lost };
}

/** The image is installed without development dependencies. */
const isInstalled = (path: string, name: string | undefined): boolean => {
  const owners = packages.filter(({ folder }) => path.startsWith(`${folder}/`));
  return name !== undefined && owners.some(({ dependencies }) => dependencies.has(name));
};

test('every entry point of production finds all that it imports in the image', () => {
  assert.ok(entryPoints.length >= 12, String(entryPoints));
  assert.deepEqual(follow().lost, []);
});

test('what the image holds of services is run by one of them', () => {
  const { reached } = follow();
  const unused = sources.filter((path) => path.startsWith('services/') && !reached.has(path));
  assert.deepEqual(unused, []);
});

test('the image holds no test, no helper of one, and nothing that plays or starts a system on a developer’s machine', () => {
  const unwanted =
    /\.test\.ts$|\/testing|fixtures|simulator|synthetic|\/sender\.ts$|sandbox|supervisor|oidc-provider|infra\/(dev|scripts|bench|end-to-end|compose|kubernetes)\//;
  // The public passwords of NHS England's sandbox are there so that production refuses them; MLLP is sent by the trust's own adapter.
  const wanted = [
    'services/testing/package.json',
    'services/adapters/nhs-mesh/src/sandbox-login.ts',
    'services/adapters/nhs-trust/src/mllp/sender.ts',
  ];
  assert.deepEqual(
    [...files].filter((path) => unwanted.test(path) && !wanted.includes(path)),
    [],
  );
  for (const path of sources.filter((one) => !one.endsWith('/sandbox-login.ts')))
    assert.doesNotMatch(
      readFileSync(join(repository, path), 'utf8'),
      /@causeway\/testing|infra\/dev|\bpassword: '/,
      path,
    );
});

test('the image holds every file that services read beside their code, and every manifest that npm needs', () => {
  for (const pattern of [
    'services/*/package.json',
    'services/adapters/*/package.json',
    'schemas/{events,common,code-lists}/**/*.*',
    'services/**/migrations/*.sql',
    'services/console/src/{views,assets}/**/*.*',
  ])
    for (const path of globSync(pattern, { cwd: repository, exclude: (name) => name === 'node_modules' }))
      if (!path.includes('node_modules')) assert.ok(files.has(path), path);
});
