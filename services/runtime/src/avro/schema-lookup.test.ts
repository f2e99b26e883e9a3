import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Codec, WriterSchema } from './codec.ts';
import { createDecoder } from './schema-lookup.ts';

const value = Buffer.from([0, 0, 0, 0, 7, 1, 2, 3]);
const schema = { type: 'record' as const, name: 'View', fields: [] };
const known: WriterSchema = {
  id: 7,
  name: 'View',
  schema,
  check: () => {},
  decode: () => ({ ward: 'W' }),
  writeJson: () => 0,
};
const unknown = async () => {
  throw new PermanentError('unknown-schema', 'No schema with id 7 is registered');
};
const decoderOf = (writer: Codec['writer'], now = () => 0) => createDecoder({ writer }, now);

test('a value is decoded to its fields, with the schema of the view', async () => {
  const decode = decoderOf(async () => known);
  assert.deepEqual(await decode(value), { data: { ward: 'W' }, schema });
});

test('a schema that the registry does not know is awaited for 30 s and given up then', async () => {
  let clock = 1_000;
  const decode = decoderOf(unknown, () => clock);
  await assert.rejects(decode(value), RetryableError);
  clock += 29_999;
  await assert.rejects(decode(value), RetryableError);
  clock += 1;
  await assert.rejects(decode(value), { name: 'PermanentError', code: 'unknown-schema' });
});

test('the wait for one schema is not counted for another', async () => {
  let clock = 0;
  const decode = decoderOf(unknown, () => clock);
  await assert.rejects(decode(value), RetryableError);
  clock = 60_000;
  await assert.rejects(decode(Buffer.from([0, 0, 0, 0, 8, 1])), RetryableError);
});

test('what is not in the wire format is refused without asking the registry', async () => {
  const decode = decoderOf(() => assert.fail('asked'));
  for (const bytes of [null, Buffer.alloc(0), Buffer.from('text')]) {
    await assert.rejects(decode(bytes), { name: 'PermanentError', code: 'undecodable' });
  }
});

test('an outage of the registry stays an outage', async () => {
  const away = new RetryableError('registry-unavailable', 'away');
  const decode = decoderOf(() => Promise.reject(away));
  await assert.rejects(decode(value), away);
});
