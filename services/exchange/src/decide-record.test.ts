import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONG_AGO } from '@causeway/runtime/async/monotonic-clock';
import { createCodec } from '@causeway/runtime/avro/codec';
import { encodeHeaders } from '@causeway/runtime/bus/envelope';
import { rulebookOf } from '@causeway/runtime/disclosure/release-decision';
import { RetryableError } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { noPeopleKnown } from '@causeway/runtime/reference-data/people';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { emptyState } from '@causeway/schemas/agreements/log';
import { testToken, testVariable } from '@causeway/testing/bus';
import { decideRecord, type Question } from './decide-record.ts';
import { createViews } from './views.ts';

const log = createLogger('test', 'fatal');
const NO_SUCH_SCHEMA = 0x7fff_0000;

const recordOf = (schemaId: number): FetchedRecord => {
  const value = Buffer.alloc(20);
  value.writeInt32BE(schemaId, 1);
  const event = {
    id: 'an-event-of-a-test-01',
    source: '/trust/test',
    type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
    time: '2026-10-05T14:20:00+01:00',
    subject: testToken('somebody'),
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL' as const,
    handling: [],
    exclude: [],
    replay: false,
    agreement: [],
  };
  const headers = Object.entries(encodeHeaders(event, 'outbox')).map(([name, text]) => [
    name,
    Buffer.from(text),
  ]);
  return { offset: 7, timestamp: 0, key: null, value, headers: Object.fromEntries(headers) };
};

const ask = (registryUrl: string, heldFor: number): Promise<unknown> => {
  const codec = createCodec({ registryUrl, timeoutMs: 500 }, log);
  const question: Question = {
    codec,
    views: createViews(codec),
    inputs: {
      rules: rulebookOf(emptyState()),
      agreementsOffset: 0,
      organisation: () => undefined,
      people: noPeopleKnown(),
      peopleMark: { revision: 0, freshAt: LONG_AGO },
      today: '2026-11-24',
    },
    organisation: 'trust',
    lane: 0,
    record: recordOf(NO_SUCH_SCHEMA),
    decidedBefore: () => undefined,
    heldFor,
  };
  return decideRecord(question).then((verdict) => ({ ...verdict, letter: null, valueDigest: null }));
};

test('a record of an unknown schema is held for 30 seconds, in case its schema is just being registered, and then a dead letter', async () => {
  const registry = testVariable('SCHEMA_REGISTRY_URL');
  const hold = { kind: 'hold', code: 'unknown-schema', letter: null, valueDigest: null };
  assert.deepEqual(await ask(registry, 0), hold);
  assert.deepEqual(await ask(registry, 29_999), hold);
  const letter = { kind: 'dead-letter', reason: 'unknown-schema', letter: null, valueDigest: null };
  assert.deepEqual(await ask(registry, 30_000), letter);
});

test('a record waits for a registry that is away as long as it takes, and is no dead letter for it', async () => {
  for (const heldFor of [0, 60_000, 86_400_000])
    assert.deepEqual(await ask('http://127.0.0.1:1', heldFor), {
      kind: 'hold',
      code: new RetryableError('registry-unavailable', '').code,
      letter: null,
      valueDigest: null,
    });
});
