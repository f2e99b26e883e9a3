import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope } from '@causeway/runtime/bus/envelope';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import fc from 'fast-check';
import { isAnswer, taskOf, updateOf } from './task.ts';

const envelope = (type: string, more: Partial<Envelope> = {}): Envelope => ({
  id: 'an-event-id-of-22-chars',
  source: '/westshire-council/council-social-care',
  type,
  time: '2026-11-09T19:00:00+00:00',
  subject: 'exampleSubjectToken-05',
  tokens: [],
  otherTokens: [],
  classification: 'OFFICIAL-SENSITIVE',
  handling: [],
  exclude: [],
  replay: false,
  agreement: [],
  ...more,
});

test('every event type has a line that names it and whom to ring, and fits on one line', () => {
  for (const { type, title, example } of loadCatalogue()) {
    const { line } = taskOf({ event: envelope(type), data: example.data, title });
    assert.ok(line.includes(title), type);
    if ('contact' in example.data) assert.match(line, /ring westshire-council.*01632/, type);
    assert.doesNotMatch(line, /[\n\r]|undefined|null|\[object/, type);
  }
});

test('whatever the fields hold, there is a line, and nothing in it ends it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (person, contact) => {
      const { line } = taskOf({
        event: envelope('uk.causeway.council.section47-enquiry.opened.v1'),
        data: { person, contact },
        title: 'Enquiry opened',
      });
      assert.ok(line.startsWith('Enquiry opened'));
      assert.doesNotMatch(line, /[\p{Cc}]/u);
    }),
  );
});

test('a withdrawal says that it is one, and a match that is only possible stands before the name', () => {
  const { line } = taskOf({
    event: envelope('x', {
      corrects: 'a-former-event-id-0022',
      match: 'possible',
      handling: ['ask-before-action'],
    }),
    data: { person: { name: { familyName: 'Sampleson', givenNames: ['Ivo'] } } },
    title: 'Plan begun',
  });
  assert.match(
    line,
    /^POSSIBLE MATCH: CONFIRM \| Plan begun \(withdraws or corrects .*Ivo Sampleson.*handling: ask-before-action/,
  );
});

test('only what names an event of the force is an update of its record', () => {
  const type = 'uk.causeway.exchange.acknowledgement.recorded.v1';
  assert.equal(isAnswer(envelope(type)), false);
  const event = envelope(type, { inResponseTo: '/westshire-police/an-event-of-ours-00000' });
  assert.equal(isAnswer(event), true);
  const data = {
    state: 'not_ours',
    team: 'Front door',
    reference: 'R-1',
    contact: { telephone: '01632 960010' },
  };
  const update = updateOf({ event, data, title: 'Acknowledgement recorded' });
  assert.deepEqual(
    [update.about, update.state, update.by],
    ['an-event-of-ours-00000', 'not_ours', 'westshire-council'],
  );
  assert.match(
    update.line,
    /not ours \| Front door \| their reference R-1 \| ring westshire-council: 01632 960010/,
  );
});
