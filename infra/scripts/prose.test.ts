import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../common/paths.ts';
import { literals } from './literals.ts';

/** The words of `docs/style.md` that texts for users do without. `lies` is refused as a noun too. */
const REFUSED = /\b(?:nobody|somebody|whom|whoever|anew|for\s+ever|lies|became\s+of)\b/gi;
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', '{services,infra,schemas}/**/README.md'];
const TEMPLATES = ['services/console/src/views/*.njk'];
const CODE = ['{services,infra,schemas}/**/*.ts'];
/** The style names the words; a test, its helpers and its data have no users. */
const APART = [/^docs\/style\.md$/, /\.test\.ts$/, /\/(?:testing|fixtures|bench|end-to-end|generated)\//];

function files(patterns: string[]): string[] {
  return globSync(patterns, { cwd: repository, exclude: (name) => name === 'node_modules' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/') && !APART.some((apart) => apart.test(`${path}`)))
    .sort();
}

const lineOf = (text: string, index: number) => text.slice(0, index).split('\n').length;

function refused(path: string, text: string): string[] {
  return [...text.matchAll(REFUSED)].map(({ 0: word, index }) => `${path}:${lineOf(text, index)} ${word}`);
}

const read = (path: string) => readFileSync(join(repository, path), 'utf8');

/** A document without single words in code: names on the wire, such as a symbol of an enum, stay as they are. */
const prose = (path: string) => read(path).replace(/`\w+`/g, '``');

test('documents and pages are in plain English', () => {
  const paths = files([...DOCUMENTS, ...TEMPLATES]).filter((path) => !path.startsWith('infra/bench/peers'));
  assert.ok(paths.includes('docs/catalogue.md'));
  assert.deepEqual(
    paths.flatMap((path) => refused(path, prose(path))),
    [],
  );
});

test('texts that services and commands show are in plain English', () => {
  const paths = files(CODE);
  assert.ok(paths.includes('services/exchange/src/main.ts'));
  const found = paths.flatMap((path) => {
    const source = read(path);
    return literals(source).flatMap(({ text, at }) =>
      refused(path, text).map((hit) => hit.replace(/:\d+ /, `:${lineOf(source, at)} `)),
    );
  });
  assert.deepEqual(found, []);
});

test('only the texts of a source file are looked at, not its comments and names', () => {
  const source = [
    '// whom, in a comment',
    "const whom = \"a\" + 'b\\'s'; /* nobody */",
    'const pattern = /["\'`]/.test(`c #{whom + `d #{1 / 2}`} e`) ? a / "f" : /[/"]/; return /"/;',
  ]
    .join('\n')
    .replaceAll('#', '$');
  assert.deepEqual(
    literals(source).map(({ text }) => text),
    ['a', "b\\'s", 'd ', '', 'c ', ' e', 'f'],
  );
});
