import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPackages, readSources, type Source } from './sources.ts';
import { checkStructure, cycles } from './structure.ts';

const packages = findPackages();
const sources = readSources(packages);

test('rooms, levels and packages are kept to by every import of the repository', () => {
  assert.ok(sources.length > 500 && sources.every(({ imports }) => imports !== undefined));
  assert.deepEqual(checkStructure(sources).problems, []);
});

test('a cycle is found however long it is, and only once', () => {
  const graph = (edges: Record<string, string[]>) =>
    new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)]));
  assert.deepEqual(cycles(graph({ a: ['b'], b: ['c'], c: ['a', 'd'], d: ['e'], e: [] })), [['a', 'b', 'c']]);
  assert.deepEqual(cycles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })), []);
});

/** The problems that come of one more import in a file that is there. */
const problemsWith = (path: string, specifier: string, file?: string) => {
  const before = new Set(checkStructure(sources).problems);
  const added = sources.map((source): Source => {
    const one = file === undefined ? { specifier } : { specifier, file };
    return source.path === path ? { ...source, imports: [...source.imports, one] } : source;
  });
  return checkStructure(added).problems.filter((problem) => !before.has(problem));
};

const errors = 'services/runtime/src/errors.ts';
const log = 'services/runtime/src/telemetry/log.ts';

test('an import that breaks the structure is named, each in its own words', () => {
  for (const [path, specifier, file, expected] of [
    [
      errors,
      '../adapter/adapter.ts',
      'services/runtime/src/adapter/adapter.ts',
      /of level 1 and imports .* of level 8/,
    ],
    [log, 'pino-pretty', undefined, /runtime\/package\.json does not declare/],
    [log, 'fast-check', undefined, /runtime\/package\.json does not declare/],
    [log, '@causeway/testing/bus', 'services/testing/src/bus.ts', /does not declare/],
    [log, '@causeway/schemas/no-such-file', 'schemas/src/no-such-file.ts', /is not there/],
    [
      'services/exchange/src/main.ts',
      '../../gateway/src/main.ts',
      'services/gateway/src/main.ts',
      /a file of another package/,
    ],
    [
      'services/exchange/src/main.ts',
      './exchange.test.ts',
      'services/exchange/src/exchange.test.ts',
      /for tests/,
    ],
    ['infra/operator/command.ts', '../dev/system.ts', 'infra/dev/system.ts', /only development has/],
    ['infra/common/paths.ts', './ports.ts', 'infra/common/ports.ts', /^files import each other: .*paths\.ts/],
  ] as const) {
    const problems = problemsWith(path, specifier, file);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${path} and ${specifier}: ${problems.join('; ')}`,
    );
  }
});

test('a test may use what its package declares for development', () => {
  assert.deepEqual(problemsWith('services/runtime/src/telemetry/tracing.test.ts', 'fast-check'), []);
});
