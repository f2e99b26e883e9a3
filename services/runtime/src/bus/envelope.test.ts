import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPermanent } from '../errors.ts';
import { decodeHeaders, type Envelope, encodeHeaders, eventId, organisationOf } from './envelope.ts';

const asBuffers = (headers: Record<string, string>): Record<string, Buffer | undefined> =>
  Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));

const characters = (set: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...set), minLength: min, maxLength: max });
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const token = characters('ABCxyz019_-', 22, 22);
const organisation = fc
  .tuple(characters(LOWER, 1, 1), characters(`${LOWER}0189-`, 1, 20))
  .map((parts) => parts.join(''));
const id = characters('ABCxyz019_-', 16, 64);
const code = characters('ABCxyz019._:-', 1, 30);
const time = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .chain((date) => fc.constantFrom(date.toISOString(), date.toISOString().replace(/\.\d+Z/, '+01:00')));
const hex = (length: number) => characters('0123456789abcdef', length, length);

const required = {
  id,
  source: organisation.map((name) => `/${name}/adapter-1`),
  type: fc.constantFrom('uk.causeway.nhs.a.recorded.v1', 'uk.causeway.police.missing-person.reported.v12'),
  time,
  subject: token,
  tokens: fc.array(token, { maxLength: 5 }),
  otherTokens: fc.array(token, { maxLength: 5 }),
  classification: fc.constantFrom<Envelope['classification']>('OFFICIAL', 'OFFICIAL-SENSITIVE'),
  handling: fc.array(fc.constantFrom('conditions-apply', 'evidence', 'a-1'), { maxLength: 3 }),
  exclude: fc.array(organisation, { maxLength: 3 }),
  replay: fc.boolean(),
  agreement: fc.array(
    organisation.map((name) => `${name}/3`),
    { maxLength: 3 },
  ),
};
const optional = {
  recordedTime: time,
  sequence: code,
  priority: fc.constantFrom<'immediate' | 'urgent' | 'same-day' | 'routine'>(
    'immediate',
    'urgent',
    'same-day',
    'routine',
  ),
  actBy: time,
  correlationId: characters('ABCxyz019._:/-', 1, 50),
  inResponseTo: fc.tuple(organisation, id).map(([name, event]) => `/${name}/${event}`),
  corrects: id,
  traceparent: fc.tuple(hex(32), hex(16)).map(([trace, span]) => `00-${trace}-${span}-01`),
};
const anyEvent = fc.record(
  { ...required, ...optional },
  { requiredKeys: Object.keys(required) as (keyof typeof required)[] },
) as fc.Arbitrary<Envelope>;

const SAMPLE: Envelope = {
  id: 'A'.repeat(22),
  source: '/westshire-trust/nhs-trust',
  type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
  time: '2026-10-05T14:20:00+01:00',
  subject: 'B'.repeat(22),
  tokens: ['B'.repeat(22), 'C'.repeat(22)],
  otherTokens: ['D'.repeat(22)],
  recordedTime: '2026-10-05T14:21:00Z',
  sequence: '17',
  classification: 'OFFICIAL',
  handling: ['conditions-apply'],
  exclude: ['westshire-police'],
  priority: 'urgent',
  actBy: '2026-10-06T00:00:00Z',
  correlationId: 'case-1',
  inResponseTo: `/westshire-council/${'E'.repeat(22)}`,
  corrects: 'F'.repeat(22),
  replay: true,
  agreement: ['stay/1', 'other/12'],
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
};

test('an event in an outbox comes back as it was, without the agreements that only an inbox names', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      assert.deepEqual(decodeHeaders(asBuffers(encodeHeaders(event, 'outbox'))), { ...event, agreement: [] });
    }),
  );
});

test('an event in an inbox leaves tokens, sequence and exclusions behind and names its agreements', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const { sequence: _, ...rest } = event;
      const headers = encodeHeaders(event, 'inbox');
      assert.deepEqual(decodeHeaders(asBuffers(headers)), {
        ...rest,
        tokens: [],
        otherTokens: [],
        exclude: [],
      });
      const kept = Object.keys(headers);
      for (const name of ['ce_tokens', 'ce_othertokens', 'ce_sequence', 'ce_exclude'])
        assert.ok(!kept.includes(name), name);
    }),
  );
});

test('headers are named as CloudEvents binary mode wants them, and absent attributes have none', () => {
  const headers = encodeHeaders(SAMPLE, 'outbox');
  assert.deepEqual(Object.keys(headers).sort(), [
    'ce_actby',
    'ce_corrects',
    'ce_correlationid',
    'ce_dataclassification',
    'ce_exclude',
    'ce_handling',
    'ce_id',
    'ce_inresponseto',
    'ce_othertokens',
    'ce_priority',
    'ce_recordedtime',
    'ce_replay',
    'ce_sequence',
    'ce_source',
    'ce_specversion',
    'ce_subject',
    'ce_time',
    'ce_tokens',
    'ce_type',
    'content-type',
    'traceparent',
  ]);
  assert.equal(headers['content-type'], 'application/avro');
  assert.equal(encodeHeaders(SAMPLE, 'inbox').ce_agreement, 'stay/1 other/12');
  const bare = { ...SAMPLE, handling: [], tokens: [], otherTokens: [], exclude: [], replay: false };
  for (const name of ['ce_handling', 'ce_tokens', 'ce_othertokens', 'ce_exclude', 'ce_replay'])
    assert.ok(!(name in encodeHeaders(bare, 'outbox')), name);
});

const SECRET = 'Alda Exampleton';
const MALFORMED: Record<string, string[]> = {
  ce_specversion: ['', '0.3', '1.0.2'],
  ce_id: ['', 'short', 'x'.repeat(65), `${'x'.repeat(22)} `, `${'x'.repeat(22)}\n`],
  ce_source: ['', 'westshire-trust/a', '/westshire-trust', '/Westshire/a', '/a/b/c', '//a'],
  ce_type: [
    '',
    'uk.causeway.v1',
    'com.other.a.v1',
    'uk.causeway.nhs.a.v0',
    'uk.causeway.nhs.A.v1',
    `uk.causeway.${'a'.repeat(300)}.b.v1`,
  ],
  ce_time: [
    '',
    '2026-10-05',
    '2026-10-05T14:20:00',
    '2026-13-05T14:20:00Z',
    '2026-10-32T14:20:00Z',
    '2026-10-05T24:20:00Z',
    '2026-10-05T14:60:00Z',
    '2026-10-05T14:20:00+24:00',
    '2026-00-05T14:20:00Z',
  ],
  ce_subject: ['', '9434765919', 'x'.repeat(23)],
  ce_tokens: [
    '9434765919',
    `${'x'.repeat(22)}  ${'y'.repeat(22)}`,
    `${'x'.repeat(22)},${'y'.repeat(22)}`,
    Array(51).fill('x'.repeat(22)).join(' '),
  ],
  ce_othertokens: ['Alda', ' '],
  ce_recordedtime: ['', 'yesterday'],
  ce_sequence: ['', 'a b', 'x'.repeat(65)],
  ce_dataclassification: ['', 'official', 'SECRET', 'TOP SECRET', 'OFFICIAL '],
  ce_handling: ['<b>', 'Code', 'a--b', '1'],
  ce_exclude: ['Westshire', '*', 'a'],
  ce_priority: ['', 'high', 'URGENT'],
  ce_actby: ['', 'soon'],
  ce_correlationid: ['', 'a b', 'x'.repeat(201)],
  ce_inresponseto: ['', 'x', `/org/${'x'.repeat(15)}`, `/org/more/${'x'.repeat(22)}`],
  ce_corrects: ['', 'x'],
  ce_replay: ['', 'yes', 'TRUE', '1'],
  ce_agreement: ['stay', 'stay/0', 'stay/1x', 'Stay/1'],
  traceparent: ['', '00-abc-def-01', `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
};

test('every attribute is refused where it is malformed, by name and without its value', () => {
  const good = asBuffers(encodeHeaders(SAMPLE, 'outbox'));
  for (const [name, values] of Object.entries(MALFORMED))
    for (const value of [...values, SECRET, '\u0000', '💥'.repeat(40)])
      assert.throws(
        () => decodeHeaders({ ...good, [name]: Buffer.from(value) }),
        (error: Error & { code?: string }) => {
          assert.ok(isPermanent(error), `${name}: ${value}`);
          const marking = name === 'ce_dataclassification';
          assert.equal(error.code, marking ? 'marking-too-high' : 'invalid-attribute', name);
          if (!marking) assert.match(error.message, new RegExp(name));
          assert.doesNotMatch(`${error.message}${error.stack}`, /Alda|9434765919/);
          return true;
        },
        `${name}: ${JSON.stringify(value)}`,
      );
});

test('a required attribute that is missing is named; every other one may be', () => {
  const good = asBuffers(encodeHeaders(SAMPLE, 'outbox'));
  const needed = new Set(['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_subject']);
  for (const name of Object.keys(good)) {
    const without = { ...good, [name]: undefined };
    if (!needed.has(name)) decodeHeaders(without);
    else
      assert.throws(
        () => decodeHeaders(without),
        (error: Error & { code?: string }) =>
          isPermanent(error) && error.code === 'missing-attribute' && error.message.includes(name),
      );
  }
});

test('an event without a marking is taken for a sensitive one', () => {
  const headers = asBuffers(encodeHeaders(SAMPLE, 'outbox'));
  const { ce_dataclassification: _, ...rest } = headers;
  assert.equal(decodeHeaders(rest).classification, 'OFFICIAL-SENSITIVE');
});

test('headers of any bytes end in an event or a permanent error', () => {
  const names = [...Object.keys(MALFORMED), 'toString', '__proto__'];
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), fc.uint8Array({ maxLength: 50 }).map(Buffer.from)),
      (headers) => {
        try {
          decodeHeaders({ ...asBuffers(encodeHeaders(SAMPLE, 'outbox')), ...headers });
        } catch (error) {
          assert.ok(isPermanent(error));
        }
      },
    ),
  );
});

test('a header of half a megabyte is refused as fast as a short one', () => {
  const good = asBuffers(encodeHeaders(SAMPLE, 'outbox'));
  const began = performance.now();
  for (const name of Object.keys(MALFORMED))
    for (const piece of ['a', 'a-', '.a', 'a ', '1', '/'])
      try {
        decodeHeaders({ ...good, [name]: Buffer.from(`uk.causeway${piece.repeat(250_000)}!`) });
      } catch (error) {
        assert.ok(isPermanent(error));
      }
  assert.ok(performance.now() - began < 5_000);
});

test('the same fact always has the same id, and identity, content and index each change it', () => {
  const content = Buffer.from('MSH|content');
  const first = eventId(['trust', 'MSG1'], content, 0);
  assert.match(first, /^[A-Za-z0-9_-]{22}$/);
  assert.equal(eventId(['trust', 'MSG1'], Buffer.from('MSH|content'), 0), first);
  const others = [
    eventId(['trust', 'MSG2'], content, 0),
    eventId(['trust', 'MSG1'], Buffer.from('MSH|other'), 0),
    eventId(['trust', 'MSG1'], content, 1),
    eventId(['trustMSG1'], content, 0),
    eventId(['trust', 'MSG1', ''], content, 0),
    eventId(['trust', 'MSG', '1'], content, 0),
    eventId(['trust', 'MSG1', '0'], content, 0),
  ];
  assert.equal(new Set([first, ...others]).size, others.length + 1);
  // Fixed for ever: another id for the same fact would be another event at every partner.
  assert.equal(first, '0h-Tb-1nYvcx8mkRmjALr5');
});

test('the organisation of a source is its first part', () => {
  assert.equal(organisationOf('/westshire-trust/nhs-trust'), 'westshire-trust');
  for (const source of ['', '/', '/a/b', 'westshire-trust/x', '/westshire-trust/x/y', '/Westshire/x'])
    assert.equal(organisationOf(source), null, source);
});
