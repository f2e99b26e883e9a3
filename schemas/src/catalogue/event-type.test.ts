import assert from 'node:assert/strict';
import test from 'node:test';
import { avroName, isEventType } from './event-type.ts';

test('an event type gives its Avro name', () => {
  assert.equal(
    avroName('uk.causeway.nhs.inpatient-admission.recorded.v1'),
    'uk.causeway.nhs.InpatientAdmissionRecordedV1',
  );
  assert.equal(
    avroName('uk.causeway.council.section47-enquiry.opened.v12'),
    'uk.causeway.council.Section47EnquiryOpenedV12',
  );
});

test('what is no event type has no Avro name', () => {
  for (const text of [
    '',
    'uk.causeway.nhs.v1',
    'uk.causeway.nhs.x.v0',
    'uk.causeway.NHS.x.v1',
    'x.nhs.y.v1',
  ]) {
    assert.equal(isEventType(text), false, text);
    assert.throws(() => avroName(text));
  }
});
