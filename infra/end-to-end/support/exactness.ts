import assert from 'node:assert/strict';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { emptyChain, parseLedgerRecord, verifyRecord } from '@causeway/runtime/ledger/ledger-record';
import { type Exchanges, ORGANISATIONS, partitions } from './exchanges.ts';

const idsOf = (records: { headers: Record<string, Buffer | undefined> }[]): string[] =>
  records.map(({ headers }) => String(headers.ce_id));

/** Each event of the outbox once, and in its order, in the ledger and in the inbox of each recipient. */
export const assertExact = async (world: Exchanges, source: string, events: number) => {
  const { outbox, ledger } = topicsOf(source);
  let seen = 0;
  for (const partition of partitions) {
    // A sender that was not answered sent again: the repeat lies in the outbox and is decided once.
    const sent = [...new Set(idsOf(await world.records(outbox, partition)))];
    seen += sent.length;
    const decided = await world.records(ledger, partition);
    let chain = emptyChain();
    for (const { value } of decided) {
      const result = verifyRecord(chain, value, { topic: ledger, partition });
      assert.ok('chain' in result, 'problem' in result ? `${source}: ${result.problem}` : '');
      chain = result.chain;
    }
    const recorded = decided.map(({ value }) => parseLedgerRecord(value ?? Buffer.alloc(0)));
    assert.deepEqual(
      recorded.map((record) => (record.kind === 'decision' ? record.eventId : record.kind)),
      sent,
      `the ledger of ${source}, partition ${partition}`,
    );
    for (const recipient of ORGANISATIONS.filter((id) => id !== source)) {
      const inbox = await world.records(topicsOf(recipient).inbox, partition);
      const fromSource = inbox.filter(({ headers }) => String(headers.ce_source) === `/${source}/test`);
      assert.deepEqual(idsOf(fromSource), sent, `the inbox of ${recipient}, partition ${partition}`);
    }
  }
  assert.equal(seen, events, `the outbox of ${source}`);
};
