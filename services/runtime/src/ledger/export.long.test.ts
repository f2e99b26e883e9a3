import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExportedRecord, exportLines, verifyExport } from './export.ts';
import { digestOf, encodeLedgerRecord, GENESIS, headAfter, type LedgerRecord } from './ledger-record.ts';
import { createNoteSigner } from './signed-note.ts';

const RECORDS = 1_000_000;
const CHAINS = 6;
const LIMIT_S = 60;

/** Records as large as those of an event with three recipients. */
async function* ledger(): AsyncGenerator<ExportedRecord> {
  const digest = digestOf(Buffer.from('value'));
  for (let partition = 0; partition < CHAINS; partition += 1) {
    let head = GENESIS;
    for (let sequence = 0; sequence < RECORDS / CHAINS; sequence += 1) {
      const record: LedgerRecord = {
        sequence,
        previous: head.toString('base64url'),
        position: { topic: 'outbox.trust', partition, offset: sequence },
        decidedAt: '2026-10-05T13:20:00.000Z',
        agreementsOffset: 12,
        kind: 'decision',
        eventId: digest.slice(0, 22),
        type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
        source: '/westshire-nhs-trust/nhs-trust',
        tokens: [digest.slice(0, 22), digest.slice(1, 23)],
        otherTokens: [],
        classification: 'OFFICIAL-SENSITIVE',
        valueDigest: digest,
        decisions: ['council', 'police', 'school'].map((recipient) => ({
          recipient: `westshire-${recipient}`,
          outcome: 'released',
          agreements: ['westshire-hospital-stay/3'],
          viewId: 40,
          valueDigest: digest,
        })),
      };
      const value = encodeLedgerRecord(record);
      head = headAfter(head, value);
      yield { topic: 'ledger.trust', partition, value };
    }
  }
}

test('one million records verify in under a minute on one core', async (t) => {
  const signer = createNoteSigner('causeway', Buffer.alloc(32, 1).toString('base64url'));
  let spent = 0;
  let bytes = 0;
  // What the export costs is not part of the measure; lines are made as they are verified, so memory stays flat.
  const lines = async function* () {
    for await (const line of exportLines(ledger(), [], { verifierKey: signer.verifierKey, signer })) {
      const buffer = Buffer.from(line);
      bytes += buffer.length;
      const begun = process.cpuUsage();
      yield buffer;
      const { user, system } = process.cpuUsage(begun);
      spent += (user + system) / 1e6;
    }
  };
  const report = await verifyExport(lines());
  assert.deepEqual(report.problems, []);
  t.diagnostic(`${report.records} records, ${Math.round(bytes / 1e6)} MB: ${spent.toFixed(1)} s of CPU`);
  assert.ok(report.records >= RECORDS - CHAINS && spent < LIMIT_S, `${spent} s`);
});
