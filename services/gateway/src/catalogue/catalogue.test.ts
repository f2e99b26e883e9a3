import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import asyncApiSpecs from '@asyncapi/specs';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { agreementYaml, type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { type Answer, eventually, problemOf } from '../testing/world.ts';
import type { Catalogue } from './catalogue.ts';

const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const VOIDED = 'uk.causeway.nhs.inpatient-admission.voided.v1';
const fields = ['person.name', 'visitId', 'admittedAt'];

let world: BusWorld;
let trust: string;
let council: string;
let police: string;
let reference: string;

before(async () => {
  world = await startBusWorld(3);
  [trust = '', council = '', police = ''] = world.bus.organisations;
  const release = { [ADMISSION]: { fields, generalise: { 'person.dateOfBirth': 'year' } } };
  reference = await world.bus.activate(agreementYaml(`catalogue-${trust}`, trust, [council], release));
  await eventually(
    () => catalogueFor(council),
    ({ receives }) => receives?.length > 0,
  );
});

after(() => world.close());

const get = (organisation: string, path: string) => world.ask(organisation, 'GET', path);
const catalogueFor = async (organisation: string) =>
  (await get(organisation, '/v1/catalogue')).body as unknown as Catalogue;

test('a catalogue says what is received of each type, what is withheld, and under which rules', async () => {
  const { organisation, receives, publishes, feedback } = await catalogueFor(council);
  assert.equal(organisation, council);
  assert.deepEqual(
    receives.map(({ from, type }) => [from, type]),
    [
      [trust, ADMISSION],
      [trust, VOIDED],
    ],
  );
  const [admission] = receives;
  const paths = admission?.fields.map(({ path }) => path) ?? [];
  assert.ok(paths.includes('person.name.familyName') && paths.includes('visitId'));
  assert.ok(paths.every((path) => /^(person\.(name|dateOfBirth)|visitId|admittedAt|contact)/.test(path)));
  assert.equal(admission?.fields.find(({ path }) => path === 'person.dateOfBirth.value')?.form, 'year');
  assert.ok(admission?.withheld.includes('ward') && admission.withheld.includes('person.sex'));
  const [agreement] = admission?.agreements ?? [];
  assert.deepEqual(
    [agreement?.id, agreement?.purpose, agreement?.retention, agreement?.onward],
    [reference.split('/')[0], 'hospital-discharge', 'P1D', 'barred'],
  );
  assert.deepEqual(publishes, []);
  assert.ok(feedback.length >= 2);
  const own = await catalogueFor(trust);
  assert.deepEqual(
    [own.receives, own.publishes.map(({ type, to }) => [type, to])],
    [
      [],
      [
        [ADMISSION, [council]],
        [VOIDED, [council]],
      ],
    ],
  );
  assert.deepEqual((await catalogueFor(police)).receives, []);
});

test('an agreement can be read by its parties and does not exist for anybody else', async () => {
  const path = `/v1/agreements/${reference}`;
  for (const party of [trust, council]) {
    const { body } = (await get(party, path)) as { body: Record<string, unknown> };
    assert.deepEqual([body.id, body.status, body.from], [reference.split('/')[0], 'active', trust]);
    const { agreements } = (await get(party, '/v1/agreements')).body as unknown as {
      agreements: { id: string }[];
    };
    assert.ok(agreements.some(({ id }) => id === reference.split('/')[0]));
  }
  assert.equal(problemOf(await get(police, path)), '404 not-found');
  assert.equal(problemOf(await get(police, '/v1/agreements/none/1')), '404 not-found');
  assert.deepEqual((await get(police, '/v1/agreements')).body as unknown, { agreements: [] });
});

test('the schema of a view is there for who receives it, in JSON Schema and in Avro', async () => {
  const path = `/v1/schemas/received/${trust}/${ADMISSION}`;
  const { body } = await get(council, path);
  const { properties } = body as unknown as { properties: Record<string, unknown> };
  assert.deepEqual(Object.keys(properties), ['person', 'contact', 'visitId', 'admittedAt']);
  const avro = (await get(council, `${path}?format=avro`)).body as unknown as {
    type: string;
    namespace: string;
  };
  assert.deepEqual(
    [avro.type, avro.namespace],
    ['record', `uk.causeway.view.${council.replaceAll('-', '_')}`],
  );
  assert.equal(problemOf(await get(police, path)), '404 not-found');
  assert.equal(problemOf(await get(council, `${path}?format=xml`)), '400 invalid-parameter');
});

test('every event type can be looked up without a token, and its example fits', async () => {
  const open = async (path: string): Promise<Record<string, unknown>> =>
    (await fetch(`${world.url}${path}`)).json() as Promise<Record<string, unknown>>;
  const { types } = (await open('/v1/schemas/events')) as { types: { type: string }[] };
  assert.equal(types.length, loadCatalogue().length);
  const schema = await open(`/v1/schemas/events/${ADMISSION}`);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const example = loadCatalogue().find(({ type }) => type === ADMISSION)?.example;
  assert.equal(ajv.validate(schema, example?.data), true);
  assert.equal((await fetch(`${world.url}/v1/schemas/events/uk.causeway.nhs.nothing.v1`)).status, 404);
});

test('the AsyncAPI document is valid AsyncAPI 3 and has the released fields only', async () => {
  const ajv = new Ajv({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    meta: false,
    addUsedSchema: false,
  });
  const validate = ajv.compile(asyncApiSpecs.schemas['3.0.0'] as object);
  const documents: Answer[] = [];
  for (const organisation of [council, trust, police]) {
    const answer = await get(organisation, '/v1/asyncapi.json');
    assert.equal(answer.status, 200);
    assert.equal(validate(answer.body), true, JSON.stringify(validate.errors?.slice(0, 5)));
    documents.push(answer);
  }
  const text = documents.map(({ body }) => JSON.stringify(body));
  assert.ok(text[0]?.includes(ADMISSION) && text[0].includes('"visitId"') && !text[0].includes('"ward"'));
  assert.ok(text[1]?.includes('"ward"'), 'a source sees the whole of what it publishes');
  assert.ok(!text[2]?.includes(ADMISSION));
  for (const [index, document] of documents.entries())
    for (const [, path = ''] of (text[index] ?? '').matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const steps = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
      const found = steps.reduce<unknown>(
        (at, step) => (at as Record<string, unknown>)?.[step],
        document.body,
      );
      assert.ok(found !== undefined, path);
    }
});

test('the documentation page is whole without a script or anything from elsewhere', async () => {
  const response = await fetch(world.url);
  const page = await response.text();
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'/);
  assert.ok(!/<script|src=|href="http/.test(page));
  for (const address of ['GET /v1/events', 'POST /v1/events', 'PUT /v1/interests/{reference}'])
    assert.ok(page.includes(address), address);
});
