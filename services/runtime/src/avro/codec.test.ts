import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { AvroField, AvroSchema } from '@causeway/schemas/avro/schema';
import { leavesOf } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { deriveView } from '@causeway/schemas/disclosure/view';
import { testVariable } from '@causeway/testing/bus';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import fc from 'fast-check';
import { isPermanent, PermanentError, RetryableError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { type Codec, createCodec, schemaIdOf } from './codec.ts';

const log = createLogger('test', 'fatal');
const catalogue = loadCatalogue();
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

let codec: Codec;
const ids = new Map<string, number>();

before(async () => {
  codec = createCodec({ registryUrl: testVariable('SCHEMA_REGISTRY_URL') }, log);
  for (const { type, schema } of catalogue)
    ids.set(type, await codec.register(type, schema, 'FULL_TRANSITIVE'));
});

const idOf = (type: string): number => ids.get(type) ?? 0;

/** A schema that no other test run has registered. */
const freshSchema = (fields: AvroField[]): AvroSchema => ({
  type: 'record',
  name: `uk.causeway.test.R${randomBytes(6).toString('hex')}`,
  fields,
});

/** A registry behind a counter, or one that answers as the test wants. */
const startRegistry = async (answer?: (path: string) => [status: number, body: string] | null) => {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    requests.push(incoming.url ?? '');
    if (answer) {
      const given = answer(incoming.url ?? '');
      if (given) response.writeHead(given[0], { 'content-type': 'application/json' }).end(given[1]);
      return;
    }
    const target = new URL(testVariable('SCHEMA_REGISTRY_URL') + incoming.url);
    const onward = request(target, { method: incoming.method ?? 'GET' }, (from) => {
      response.writeHead(from.statusCode ?? 500, from.headers);
      from.pipe(response);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
};

test('every example of the catalogue comes back as it was', async () => {
  assert.ok(catalogue.length > 0);
  for (const { type, example } of catalogue) {
    const value = await codec.encode(idOf(type), example.data);
    assert.equal(schemaIdOf(value), idOf(type));
    const { id, data } = await codec.decode(value);
    assert.equal(id, idOf(type));
    assert.deepEqual(plain(data), example.data, type);
  }
});

test("a consumer with the standard registry client's own decoder gets the same value", async () => {
  const standard = new SchemaRegistry({ host: testVariable('SCHEMA_REGISTRY_URL') });
  for (const { type, example } of catalogue) {
    const value = await codec.encode(idOf(type), example.data);
    assert.deepEqual(plain(await standard.decode(value)), example.data, type);
  }
});

test('registering again finds the same schema, and exactly this schema is looked up', async () => {
  const subject = `test.${randomBytes(6).toString('hex')}`;
  const schema = freshSchema([{ name: 'a', type: 'string' }]);
  const id = await codec.register(subject, schema, 'FULL_TRANSITIVE');
  assert.equal(await codec.register(subject, schema, 'FULL_TRANSITIVE'), id);
  assert.equal(await codec.idOf(subject, schema), id);
  assert.deepEqual(await codec.schemaOf(id), schema);
  assert.equal(await codec.nameOf(id), schema.name);
  await assert.rejects(codec.idOf(subject, freshSchema([])), { code: 'unknown-schema' });
  await assert.rejects(codec.idOf('test.no-such-subject', schema), { code: 'unknown-schema' });
});

test('after registration only a nullable field may be added, and a view may change as it likes', async () => {
  const first: AvroField = { name: 'a', type: 'string' };
  const added: AvroField = { name: 'b', type: ['null', 'string'], default: null };
  const needed: AvroField = { name: 'c', type: 'string' };
  for (const compatibility of ['FULL_TRANSITIVE', 'NONE'] as const) {
    const subject = `test.${randomBytes(6).toString('hex')}`;
    const base = freshSchema([first]);
    await codec.register(subject, base, compatibility);
    await codec.register(subject, { ...base, fields: [first, added] }, compatibility);
    const breaking = codec.register(subject, { ...base, fields: [first, needed] }, compatibility);
    if (compatibility === 'NONE') assert.ok((await breaking) > 0);
    else await assert.rejects(breaking, { name: 'PermanentError', code: 'incompatible-schema' });
  }
});

test('an unknown id is refused, asked for once in ten seconds, and no request at all where it cannot be one', async () => {
  const { url, requests } = await startRegistry();
  const own = createCodec({ registryUrl: url }, log);
  const value = (id: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(id, 1);
    return bytes;
  };
  for (let round = 0; round < 5; round += 1)
    await assert.rejects(own.decode(value(2_000_000_000)), {
      name: 'PermanentError',
      code: 'unknown-schema',
    });
  await Promise.all(
    Array.from({ length: 20 }, () => assert.rejects(own.decode(value(1_999_999_999)), isPermanent)),
  );
  assert.equal(requests.length, 2);
  for (const id of [0, -1, -2_147_483_648])
    await assert.rejects(own.decode(value(id)), { code: 'unknown-schema' });
  assert.equal(requests.length, 2);
});

test('a known schema is asked for once, whatever is asked at the same time and later', async () => {
  const { url, requests } = await startRegistry();
  const own = createCodec({ registryUrl: url }, log);
  const [first] = catalogue;
  assert.ok(first);
  const value = await codec.encode(idOf(first.type), first.example.data);
  await Promise.all(Array.from({ length: 50 }, () => own.decode(value)));
  await own.encode(idOf(first.type), first.example.data);
  await own.schemaOf(idOf(first.type));
  assert.equal(requests.length, 1);
});

test('a registry that takes the request and never answers is an outage after the time-out', async () => {
  const { url } = await startRegistry(() => null);
  const own = createCodec({ registryUrl: url, timeoutMs: 150 }, log);
  const schema = freshSchema([{ name: 'a', type: 'string' }]);
  const began = performance.now();
  await assert.rejects(own.schemaOf(1), { name: 'RetryableError', code: 'registry-unavailable' });
  await assert.rejects(own.idOf('test.any', schema), RetryableError);
  await assert.rejects(own.register('test.any', schema, 'NONE'), RetryableError);
  assert.ok(performance.now() - began < 2_500);
});

test('an outage is passing: the same id is found when the registry is back', async () => {
  let down = true;
  const text = JSON.stringify({ schema: JSON.stringify(freshSchema([{ name: 'a', type: 'string' }])) });
  const { url } = await startRegistry(() => (down ? [503, '{}'] : [200, text]));
  const own = createCodec({ registryUrl: url }, log);
  await assert.rejects(own.schemaOf(5), RetryableError);
  down = false;
  assert.equal((await own.schemaOf(5)).type, 'record');
});

test('a schema that is no Avro record stops its own records only, not the reader', async () => {
  const bodies = [
    '"string"',
    'syntax = "proto3";',
    '{"type":"record","name":"X","fields":[{"name":"a","type":"?"}]}',
  ];
  const { url } = await startRegistry((path) => [
    200,
    JSON.stringify({ schema: bodies[Number(path.split('/').at(-1)) - 1] }),
  ]);
  const own = createCodec({ registryUrl: url }, log);
  for (const id of [1, 2, 3])
    await assert.rejects(own.nameOf(id), { code: 'unknown-schema' }, bodies[id - 1]);
});

test('data that does not fit names the fields and never their values', async () => {
  const first = catalogue.find(({ schema }) => schema.name === 'InpatientAdmissionRecordedV1');
  assert.ok(first);
  const secret = 'Exampleton-9434765919';
  const base = first.example.data as Record<string, unknown>;
  for (const wrong of [
    { ...base, person: { secret } },
    { ...base, undeclared: secret },
    { ...base, contact: secret },
    Object.fromEntries(Object.keys(base).map((name) => [name, { secret }])),
    secret,
    null,
  ])
    await assert.rejects(codec.encode(idOf(first.type), wrong), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'invalid-data');
      assert.ok(isPermanent(error));
      assert.doesNotMatch(`${error.message} ${error.stack} ${String(error.cause)}`, /9434765919/);
      return true;
    });
});

test('bytes of any kind end in a value or a permanent error, quickly', async () => {
  const first = catalogue.find(({ schema }) => schema.name === 'InpatientAdmissionRecordedV1');
  assert.ok(first);
  const id = idOf(first.type);
  const good = await codec.encode(id, first.example.data);
  const view = await releaseView(first.schema);
  const project = await codec.projector(id, view);
  const header = good.subarray(0, 5);
  const bytes = fc.uint8Array({ maxLength: 60 });
  const hostile = fc.oneof(
    bytes.map((body) => Buffer.from(body)),
    bytes.map((body) => Buffer.concat([header, body])),
    fc
      .tuple(fc.nat(good.length - 6), bytes)
      .map(([at, body]) => Buffer.concat([good.subarray(0, 5 + at), body])),
    fc.tuple(fc.nat(good.length - 6), fc.nat(255)).map(([at, byte]) => {
      const changed = Buffer.from(good);
      changed[5 + at] = byte;
      return changed;
    }),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (value) => {
      const began = performance.now();
      await codec.decode(value).catch((error) => assert.ok(error instanceof PermanentError, String(error)));
      if (value.length >= 5 && value.subarray(0, 5).equals(header)) {
        try {
          project(value);
        } catch (error) {
          assert.ok(error instanceof PermanentError, String(error));
        }
      }
      assert.ok(performance.now() - began < 1_000);
    }),
    { numRuns: 3_000 },
  );
});

test('an array that claims more items than it has bytes is refused at once, also where a view skips it', async () => {
  const schema = freshSchema([
    { name: 'a', type: 'string' },
    { name: 'list', type: { type: 'array', items: 'string' } },
  ]);
  const narrow: AvroSchema = { ...schema, fields: schema.fields.slice(0, 1) };
  const id = await codec.register(schema.name, schema, 'NONE');
  const view = await codec.register(`view.${schema.name}`, narrow, 'NONE');
  const project = await codec.projector(id, view);
  const framed = (...body: number[]) => {
    const header = Buffer.alloc(5);
    header.writeInt32BE(id, 1);
    return Buffer.concat([header, Buffer.from(body)]);
  };
  const long = (value: bigint): number[] => {
    const out: number[] = [];
    for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
      out.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
      if (rest <= 0x7fn) return out;
    }
  };
  const began = performance.now();
  for (const value of [
    framed(0, ...long(1n << 30n)),
    framed(0, ...long(1n << 52n)),
    framed(0, ...long(-(1n << 50n)), ...long(5n)),
  ]) {
    await assert.rejects(codec.decode(value), { code: 'undecodable' });
    assert.throws(() => project(value), isPermanent);
  }
  // A block that says how many bytes it has, and would send who believes it backwards for ever.
  const backwards = framed(0, ...long(-1n), ...long(-12n), 0, 0);
  assert.deepEqual(plain((await codec.decode(backwards)).data), { a: '', list: [''] });
  assert.deepEqual(plain((await codec.decode(project(backwards))).data), { a: '' });
  assert.ok(performance.now() - began < 500);
  const good = framed(2, 0x78, ...long(-2n), ...long(4n), 2, 0x79, 2, 0x7a, 0);
  assert.deepEqual(plain((await codec.decode(good)).data), { a: 'x', list: ['y', 'z'] });
  assert.deepEqual(plain((await codec.decode(project(good))).data), { a: 'x' });
});

const releaseView = async (schema: AvroSchema): Promise<number> => {
  const leaves = leavesOf(schema).map(({ path }) => path);
  const kept = leaves.filter((_, index) => index % 2 === 0);
  const recipient = `org-${randomBytes(4).toString('hex')}`;
  const view = deriveView(
    schema,
    { leaves: kept, generalise: {} },
    { recipient, type: 'any', agreements: [] },
  );
  return codec.register(`view.${recipient}`, view, 'NONE');
};

test('a projected value holds what the view has of the original, and nothing else', async () => {
  for (const { type, schema, example } of catalogue) {
    const viewId = await releaseView(schema);
    const value = await codec.encode(idOf(type), example.data);
    const released = (await codec.projector(idOf(type), viewId))(value);
    assert.equal(schemaIdOf(released), viewId);
    const { data } = await codec.decode(released);
    assert.deepEqual(plain(data), pick(await codec.schemaOf(viewId), example.data), type);
    assert.deepEqual(plain(data), plain(await codec.decodeAs(value, viewId)));
  }
});

/** What a plain reading of the view makes of the data: the fields that it names, at every depth. */
const pick = (schema: AvroSchema, data: unknown): unknown => {
  const named = new Map<string, AvroSchema>();
  const walk = (type: AvroField['type'], value: unknown): unknown => {
    if (Array.isArray(type)) return value === null ? null : walk(type[1] ?? 'null', value);
    if (typeof type === 'string') {
      const record = named.get(type.split('.').at(-1) ?? '');
      return record ? walk(record, value) : value;
    }
    if (type.type === 'array') return (value as unknown[]).map((item) => walk(type.items, item));
    if (type.type !== 'record') return value;
    named.set(type.name.split('.').at(-1) ?? '', type);
    return Object.fromEntries(
      type.fields.map((field) => [
        field.name,
        walk(field.type, (value as Record<string, unknown>)[field.name]),
      ]),
    );
  };
  return walk(schema, data);
};

test('a value that the view cannot read is refused, and so is a view of another schema', async () => {
  const [first, second] = catalogue;
  assert.ok(first && second);
  const viewId = await releaseView(second.schema);
  await assert.rejects(codec.projector(idOf(first.type), viewId), { code: 'cannot-project' });
  const value = await codec.encode(idOf(first.type), first.example.data);
  await assert.rejects(codec.decodeAs(value, viewId), { code: 'cannot-project' });
});
