import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { topology } from '@causeway/runtime/bus/acls';
import { LANES } from '@causeway/runtime/bus/topics';
import { createEngine } from '../../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage } from '../../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { runClusterTool } from '../../dev/backing-services/kafka.ts';
import { type Causeway, type CloudEvent, startCauseway } from '../support/causeway.ts';

const COUNCIL = 'westshire-council';
const MORE = 2 * LANES;
const STAYS = 60;
const PATIENCE_MS = 60_000;

test('a drained system goes on with twice the lanes: cursors of before are read on, nothing is lost or twice, and the ledgers verify', async () => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-lanes-'));
  const receiver = await startReceiver();
  let causeway: Causeway | undefined;
  try {
    causeway = await startCauseway({ home });
    await subscribe(causeway, receiver.url);
    await admit(causeway, 0, STAYS);
    const before = await read(causeway, '', STAYS);

    const { connections } = causeway.system.parts;
    const ids = ['westshire-council', 'westshire-nhs-trust', 'westshire-police'];
    const { topics } = topology(ids, { replicationFactor: 1, minInSyncReplicas: 1 });
    const laned = topics.filter(({ partitions }) => partitions === LANES).map(({ topic }) => topic);
    await runClusterTool(home, connections, 'org.apache.kafka.tools.TopicCommand', [
      ...['--alter', '--topic', laned.join('|'), '--partitions', String(MORE)],
    ]);
    await causeway.stop();
    causeway = await startCauseway({ home, environment: { CAUSEWAY_LANES: String(MORE) } });

    await admit(causeway, STAYS, 2 * STAYS);
    const { events } = await read(causeway, before.next, STAYS);
    const lanes = new Set(events.map(({ position }) => Number(position.split('-')[0])));
    assert.ok(Math.max(...lanes) >= LANES, 'nothing came through a lane that is new');
    const all = [...before.events, ...events].map(({ data }) => data.visitId);
    assert.equal(new Set(all).size, 2 * STAYS);
    for (const deadline = Date.now() + PATIENCE_MS; receiver.ids().size < 2 * STAYS; await delay(200))
      assert.ok(Date.now() < deadline, `${receiver.ids().size} events came to the webhook`);
    const { code, output } = await causeway.command('operator/ledger.ts', 'verify');
    assert.equal(code, 0, output);
  } finally {
    await causeway?.stop();
    receiver.close();
    rmSync(home, { recursive: true, force: true });
  }
});

/** A partner's endpoint that takes everything. */
const startReceiver = async () => {
  const ids = new Set<string>();
  const server = createServer(async (request, response) => {
    ids.add(JSON.parse(Buffer.concat(await request.toArray()).toString('utf8')).id);
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, ids: () => ids, close: () => server.close() };
};

const subscribe = async (causeway: Causeway, endpoint: string) => {
  const answer = await fetch(`${causeway.gateway}/v1/subscriptions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await causeway.token(COUNCIL)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ endpoint }),
  });
  assert.equal(answer.status, 201);
};

const admit = async (causeway: Causeway, from: number, to: number) => {
  const engine = createEngine({ ...causeway.mllp, answerMs: 12_000, againMs: 200 });
  for (let stay = from; stay < to; stay += 1) {
    const at = new Date(Date.UTC(2026, 8, 1, 0, stay));
    assert.equal(
      (await engine.send(stayMessage({ trigger: 'A01', stay, controlId: `L${stay}`, at }))).code,
      'AA',
    );
  }
  engine.close();
};

/** Reads on from a cursor until so many came, and once more to see that no more do. */
const read = async (causeway: Causeway, from: string, count: number) => {
  const events: CloudEvent[] = [];
  let next = from;
  for (const deadline = Date.now() + PATIENCE_MS; events.length < count; await delay(200)) {
    assert.ok(Date.now() < deadline, `${events.length} of ${count} events came`);
    const page = await causeway.events(COUNCIL, `limit=500${next && `&after=${encodeURIComponent(next)}`}`);
    events.push(...page.events);
    next = page.next;
  }
  const rest = await causeway.events(COUNCIL, `wait=1&after=${encodeURIComponent(next)}`);
  assert.deepEqual([...events, ...rest.events].length, count);
  return { events, next: rest.next };
};
