import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { SAMPLE_AGREEMENT } from '@causeway/schemas/testing/sample-agreement';
import { freshOrganisation, testKafka } from '@causeway/testing/bus';
import {
  type AgreementWorld,
  ChangeRefused,
  latestVersion,
  statusRecord,
  versionRecords,
} from '../agreements/lifecycle.ts';
import { AUDIT_LEDGER_TOPIC } from '../bus/topics.ts';
import type { Kafka } from '../kafka/connect.ts';
import { readToEnd } from '../kafka/reader.ts';
import { createLogger } from '../telemetry/log.ts';
import { type AuditRecord, openAuditLedger } from './audit-ledger.ts';
import { emptyChain, verifyRecord } from './ledger-record.ts';

const LEDGER = { topic: AUDIT_LEDGER_TOPIC, partition: 0 };
const log = createLogger('test', 'fatal');
const catalogue = loadCatalogue();
const schemaIds = new Map(catalogue.map(({ type }, index) => [type, index + 1]));
let kafka: Kafka;
before(() => {
  kafka = testKafka();
});
after(() => kafka.close());

/** A draft of an agreement that no other test knows, in any version. */
const family = () => {
  const source = freshOrganisation();
  const recipient = freshOrganisation();
  const world: AgreementWorld = { catalogue, schemaIds, organisations: [source, recipient] };
  const version = (number: number, status = 'draft') => {
    const yaml = SAMPLE_AGREEMENT.replace('id: westshire-hospital-stay', `id: ${source}-stay`)
      .replace('version: 1', `version: ${number}`)
      .replace('status: active', `status: ${status}`)
      .replaceAll('westshire-nhs-trust', source)
      .replaceAll('westshire-council', recipient);
    const parsed = parseAgreement(yaml, 'test.yaml', catalogue);
    assert.ok('agreement' in parsed);
    return parsed.agreement;
  };
  return { id: `${source}-stay`, world, version };
};

const AUTHOR = { by: 'somebody', reason: 'because', at: '2026-11-01T10:00:00Z' };

/** What the ledger of the console holds, with its chain checked. */
const records = async (): Promise<AuditRecord[]> => {
  const reader = kafka.reader();
  const found: AuditRecord[] = [];
  let chain = emptyChain();
  for await (const { value } of readToEnd(reader, LEDGER, 0)) {
    const result = verifyRecord(chain, value, LEDGER);
    if ('problem' in result) assert.fail(result.problem);
    chain = result.chain;
    found.push(JSON.parse(String(value)));
  }
  await reader.close();
  return found;
};

test('a change of an agreement and its entry in the ledger are written together, and read back', async () => {
  const { id, world, version } = family();
  const ledger = openAuditLedger(kafka, log);
  await ledger.change((state) => versionRecords(state, version(1, 'active'), world, AUTHOR), {
    organisation: 'org',
  });
  const { state } = await ledger.change((now) => [
    statusRecord(now, { id, status: 'suspended', ...AUTHOR }, '2026-11-01'),
  ]);
  assert.equal(latestVersion(state, id)?.status, 'suspended');
  await ledger.record([{ kind: 'look', what: 'test', by: 'somebody', reason: id, tokens: [], found: 0 }]);
  await ledger.close();
  const mine = (await records()).filter((entry) => JSON.stringify(entry).includes(id));
  assert.deepEqual(
    mine.map((entry) => [entry.kind, entry.by, 'status' in entry ? entry.status : '', entry.organisation]),
    [
      ['agreement-version', 'somebody', '', 'org'],
      ['agreement-status', 'somebody', 'active', 'org'],
      ['agreement-status', 'somebody', 'suspended', undefined],
      ['look', 'somebody', '', undefined],
    ],
  );
});

test('of many writers that load the same version at once exactly one wins, and the chain stays whole', async () => {
  const { id, world, version } = family();
  const writers = Array.from({ length: 5 }, () => openAuditLedger(kafka, log));
  const results = await Promise.allSettled(
    writers.map((writer, index) =>
      writer.change((state) => {
        const agreement = { ...version(1, 'active'), title: `title of writer ${index}` };
        return versionRecords(state, agreement, world, AUTHOR);
      }),
    ),
  );
  await Promise.all(writers.map((writer) => writer.close()));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results)
    if (result.status === 'rejected')
      assert.ok(
        result.reason instanceof ChangeRefused && result.reason.code === 'version-exists',
        String(result.reason),
      );
  const versions = (await records()).filter(
    (entry) => entry.kind === 'agreement-version' && entry.agreement === `${id}/1`,
  );
  assert.equal(versions.length, 1);
});

test('looks from several instances are all recorded, each once', async () => {
  const reason = freshOrganisation();
  const writers = Array.from({ length: 3 }, () => openAuditLedger(kafka, log));
  await Promise.all(
    writers.flatMap((writer, index) =>
      [0, 1, 2].map((number) =>
        writer.record([{ kind: 'look', what: `${index}/${number}`, by: 'somebody', reason }]),
      ),
    ),
  );
  await Promise.all(writers.map((writer) => writer.close()));
  const looks = (await records()).filter((entry) => entry.kind === 'look' && entry.reason === reason);
  assert.equal(looks.length, 9);
  assert.equal(new Set(looks.map((entry) => entry.kind === 'look' && entry.what)).size, 9);
});

test('what a plan refuses is thrown at once and writes nothing', async () => {
  const { id, world, version } = family();
  const ledger = openAuditLedger(kafka, log);
  const refused = (code: string, plan: Parameters<typeof ledger.change>[0]) =>
    assert.rejects(
      ledger.change(plan),
      (error: unknown) => error instanceof ChangeRefused && error.code === code,
    );
  const status = (to: 'active' | 'suspended' | 'ended' | 'draft', today = '2026-11-01') =>
    ((state) => [statusRecord(state, { id, status: to, ...AUTHOR }, today)]) as Parameters<
      typeof ledger.change
    >[0];
  await refused('unknown-agreement', status('suspended'));
  await refused('agreement-refused', (state) =>
    versionRecords(state, version(1), { ...world, organisations: [] }, AUTHOR),
  );
  await ledger.change((state) =>
    versionRecords(state, { ...version(2), dpia: undefined as never }, world, AUTHOR),
  );
  await refused('version-not-next', (state) => versionRecords(state, version(1), world, AUTHOR));
  await refused('version-exists', (state) => versionRecords(state, version(2), world, AUTHOR));
  await refused('other-source', (state) =>
    versionRecords(state, { ...version(3), from: 'other' }, world, AUTHOR),
  );
  await refused('agreement-refused', status('active'));
  await refused('not-possible', status('suspended'));
  await refused('not-possible', status('draft'));
  await ledger.change((state) => versionRecords(state, version(3), world, AUTHOR));
  await refused('agreement-refused', status('active', '2030-01-01'));
  await ledger.change(status('active'));
  await refused('nothing-to-change', status('active'));
  await ledger.change(status('ended'));
  await refused('not-possible', status('active'));
  await ledger.close();
});
