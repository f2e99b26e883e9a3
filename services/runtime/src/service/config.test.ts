import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as config from './config.ts';

const { ConfigError, developmentDefault, loadConfig } = config;

function problemsOf(shape: config.Shape, env: config.Environment): Record<string, string> {
  try {
    loadConfig(shape, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    for (const { variable } of error.problems)
      assert.match(error.message, new RegExp(`^ {2}${variable} `, 'm'));
    return Object.fromEntries(error.problems.map(({ variable, message }) => [variable, message]));
  }
  return {};
}

test('every field kind is read from text', () => {
  const shape = {
    TEXT: config.text(),
    PORT: config.port(0),
    COUNT: config.integer(5, { min: 1, max: 10 }),
    LIST: config.list(),
    SECRET: config.secret(),
    URL: config.url(),
    FLAG: config.flag(false),
    WORD: config.choice(['red', 'green']),
    MAYBE: config.text().optional(),
  };
  const env = {
    TEXT: 'a b',
    PORT: '8080',
    COUNT: '7',
    LIST: 'a, b,,c',
    SECRET: 'x'.repeat(16),
    FLAG: 'TRUE',
    WORD: 'green',
  };
  assert.deepEqual(
    { ...loadConfig(shape, { ...env, URL: 'http://host.example/path/' }) },
    {
      ...{
        TEXT: 'a b',
        PORT: 8080,
        COUNT: 7,
        LIST: ['a', 'b', 'c'],
        SECRET: 'x'.repeat(16),
        MAYBE: undefined,
      },
      ...{ URL: 'http://host.example/path', FLAG: true, WORD: 'green' },
    },
  );
});

test('defaults stand in for variables that are absent or empty', () => {
  const shape = {
    A: config.text('a'),
    B: config.integer(3),
    C: config.flag(true),
    D: config.list(['x']),
    E: config.list([]),
  };
  assert.deepEqual({ ...loadConfig(shape, { A: '' }) }, { A: 'a', B: 3, C: true, D: ['x'], E: [] });
});

test('all problems are reported at once, each with what to set', () => {
  const shape = {
    NAME: config.text(),
    PORT: config.port(),
    KEY: config.secret(),
    MAX: config.integer(1, { min: 1, max: 9 }),
    OK: config.flag(true),
  };
  const problems = problemsOf(shape, { PORT: '70000', KEY: 'short', MAX: '1.5' });
  assert.deepEqual(Object.keys(problems), ['NAME', 'PORT', 'KEY', 'MAX']);
  assert.equal(problems.NAME, 'is not set; set it to some text, or NAME_FILE to a file that holds it');
  assert.match(problems.PORT ?? '', /^is not valid; set it to a whole number from 0 to 65535/);
  assert.match(problems.KEY ?? '', /a secret of at least 16 characters/);
  assert.match(problems.MAX ?? '', /a whole number from 1 to 9/);
});

test('no value is repeated in a problem', () => {
  const shape = { KEY: config.secret(), DATABASE_URL: config.url(), PORT: config.port() };
  const env = { KEY: 'hunter2', DATABASE_URL: 'not a url with hunter2', PORT: 'hunter2' };
  assert.throws(
    () => loadConfig(shape, env),
    (error: Error) => !error.message.includes('hunter2'),
  );
});

test('a variable may come from the file that NAME_FILE names', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key');
  writeFileSync(file, 'a secret from a file\r\n');
  assert.equal(loadConfig({ KEY: config.secret() }, { KEY_FILE: file }).KEY, 'a secret from a file');
  assert.match(
    problemsOf({ KEY: config.secret() }, { KEY_FILE: join(folder, 'absent') }).KEY ?? '',
    /cannot be read/,
  );
  assert.match(problemsOf({ KEY: config.text() }, { KEY: 'x', KEY_FILE: file }).KEY ?? '', /is set twice/);
});

test('production refuses development defaults and keeps ordinary ones', () => {
  const shape = {
    ...config.kafkaSettings,
    ...config.registrySettings,
    ...config.oidcSettings,
    LIMIT: config.integer(5),
  };
  const credentials = { KAFKA_USERNAME: 'exchange', KAFKA_PASSWORD: 'q7Jx-0mZtE4vPn2Lr8Wb' };
  const development = loadConfig(shape, credentials);
  assert.deepEqual(development.KAFKA_BROKERS, ['127.0.0.1:9092']);
  assert.equal(development.KAFKA_TLS, false);
  assert.equal(development.OIDC_ISSUER, 'http://127.0.0.1:8082');
  const problems = problemsOf(shape, { ...credentials, NODE_ENV: 'production' });
  assert.deepEqual(Object.keys(problems), [
    'KAFKA_BROKERS',
    'KAFKA_TLS',
    'SCHEMA_REGISTRY_URL',
    'OIDC_ISSUER',
  ]);
  assert.match(problems.KAFKA_BROKERS ?? '', /has no default in production/);
});

test('a default outside its own bounds is noticed', () => {
  assert.ok(problemsOf({ N: config.integer(50, { max: 10 }) }, {}).N);
  assert.ok(problemsOf({ N: config.integer(developmentDefault(50), { max: 10 }) }, {}).N);
});

test('the configuration cannot be changed', () => {
  assert.ok(Object.isFrozen(loadConfig({ A: config.text('a') }, {})));
});

test('production names every setting that can be guessed or is not over TLS, all at once', () => {
  const shape = {
    ...config.kafkaSettings,
    ...config.oidcSettings,
    ...config.databaseSettings,
    KEY: config.secret(),
  };
  const env = {
    NODE_ENV: 'production',
    KAFKA_BROKERS: 'broker.example:9092',
    KAFKA_USERNAME: 'admin',
    KAFKA_PASSWORD: 'aaaaaaaaaaaaaaaaaaaa',
    KAFKA_TLS: 'false',
    OIDC_ISSUER: 'http://login.example',
    DATABASE_URL: 'postgresql://gateway:gateway@db.example/causeway',
    KEY: 'change-me-change-me-0123456789',
  };
  const problems = problemsOf(shape, env);
  const wrong = ['KAFKA_USERNAME', 'KAFKA_PASSWORD', 'KAFKA_TLS', 'OIDC_ISSUER', 'DATABASE_URL', 'KEY'];
  assert.deepEqual(Object.keys(problems).sort(), wrong.sort());
  for (const message of Object.values(problems)) assert.doesNotMatch(message, /aaaa|change-me|gateway/);
  assert.deepEqual(problemsOf(shape, { ...env, NODE_ENV: 'development' }), {});
});
