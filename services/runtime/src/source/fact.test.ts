import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { Codec } from '../avro/codec.ts';
import { createTokeniser } from '../bus/pseudonyms.ts';
import { type Fact, factRecord } from './fact.ts';

const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const tokeniser = createTokeniser(Buffer.alloc(32, 7));
const codec = { encode: async () => Buffer.from('value') } as unknown as Codec;
const recording = { organisation: 'trust', source: '/trust/test', codec, tokeniser };

const fact = (over: Partial<Fact> = {}): Fact =>
  ({
    type: TYPE,
    data: loadCatalogue().find(({ type }) => type === TYPE)?.example.data,
    occurredAt: '2026-03-05T10:15:00+00:00',
    classification: 'OFFICIAL-SENSITIVE',
    subject: [{ scheme: 'rwx', id: 'T1' }],
    verified: { nhs: '9434765919' },
    person: {},
    ...over,
  }) as Fact;

const headersOf = async (over: Partial<Fact> = {}) =>
  (
    await factRecord(recording, fact(over), 'event-0000000000000001', {
      schemaId: 1,
      defaultPriority: 'routine',
      siblingOf: [],
    })
  ).headers;

describe('the record of a fact', () => {
  it('holds the tokens of other people, each once and apart from those of the person', async () => {
    const kin = { verified: { nhs: '4010232137' }, local: [{ scheme: 'rwx', id: 'T2' }] };
    const headers = await headersOf({ others: [kin, kin, { verified: { nhs: '9434765919' } }] });
    assert.equal(headers?.ce_tokens, tokeniser.nhs('9434765919'));
    assert.equal(
      headers?.ce_othertokens,
      [tokeniser.local('trust', 'rwx', 'T2'), tokeniser.nhs('4010232137')].join(' '),
    );
  });

  it('says its order, that it is history, what it answers and who must not have it', async () => {
    const headers = await headersOf({
      sequence: '00000000000000000007',
      replay: true,
      inResponseTo: '/council/event-0000000000000002',
      exclude: ['police'],
      handling: ['recipients-only'],
    });
    assert.deepEqual(
      [
        headers?.ce_sequence,
        headers?.ce_replay,
        headers?.ce_inresponseto,
        headers?.ce_exclude,
        headers?.ce_handling,
      ],
      ['00000000000000000007', 'true', '/council/event-0000000000000002', 'police', 'recipients-only'],
    );
  });

  it('is refused at the door where an attribute has a form that the exchange would refuse', async () => {
    for (const over of [{ sequence: 'Ward 7' }, { inResponseTo: 'council' }, { handling: ['Not A Code'] }]) {
      await assert.rejects(headersOf(over), { name: 'PermanentError', code: 'invalid-attribute' });
    }
  });

  it('has no token of the subject that the source has made itself, also while keys change', async () => {
    const changing = createTokeniser(Buffer.alloc(32, 7), Buffer.alloc(32, 8));
    const type = { schemaId: 1, defaultPriority: 'routine', siblingOf: [] } as const;
    const subject = 'a'.repeat(22);
    const record = await factRecord(
      { ...recording, tokeniser: changing },
      fact({ verified: {}, subject: [] }),
      'event-0000000000000001',
      { ...type, siblingOf: [] },
      { subject },
    );
    assert.deepEqual([record.key, record.headers?.ce_subject], [subject, subject]);
    assert.equal(record.headers?.ce_tokens, undefined);
  });

  it('has the same bytes for the same fact', async () => {
    assert.deepEqual(await headersOf({ others: [{ person: {} }] }), await headersOf());
  });
});
