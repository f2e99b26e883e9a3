/** The adapter is killed while it downloads, and between the publishing and the acknowledgement; nothing may be lost or left. */
import assert from 'node:assert/strict';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { createSender } from '../sender.ts';
import { nemsMessage } from '../synthetic.ts';
import { createMesh, until } from './adapter-process.ts';
import { startCrookedLine } from './crooked-line.ts';
import type { Sandbox } from './sandbox-process.ts';

const EVENT = 'pds-change-of-address-1';

export const killedTakingOut = async (
  sandbox: Sandbox,
  messages: number,
  kills: number,
): Promise<{ records: number; events: number }> => {
  const sender = createSender(sandbox.url);
  const line = await startCrookedLine(sandbox.url);
  const mesh = await createMesh(line.url);
  try {
    await sender.forget();
    const message = (n: number) => {
      const person = exampleAdult(10_000 + n);
      const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
      const changedAt = new Date(Date.UTC(2026, 4, 1) + n * 1_000).toISOString();
      return nemsMessage({ event: EVENT, id, person, changedAt, address: person.address });
    };
    const numbers = Array.from({ length: messages }, (_, n) => n);
    const lanes = Array.from({ length: 8 }, (_, lane) => numbers.filter((n) => n % 8 === lane));
    await Promise.all(
      lanes.map(async (lane) => {
        for (const n of lane) await sender.send({ body: message(n), workflow: 'CHANGEOFADDRESS_1' });
      }),
    );
    assert.equal(await sender.waiting(), messages);

    for (let kill = 0; kill < kills; kill += 1) {
      // Every second time in the middle of a download, else when everything of a group is published and nothing acknowledged.
      const downloading = kill % 2 === 0;
      let seen = 0;
      line.decide = ({ method, path }) => {
        const hit = downloading ? /\/inbox\/\w{20,}$/.test(path) : method === 'PUT';
        if (!hit || ++seen <= (downloading ? 10 + kill : kill % 3)) return 'none';
        mesh.kill();
        return downloading ? 'cut' : 'lose';
      };
      await mesh.start({ ready: false });
      await mesh.ended();
    }
    line.decide = () => 'none';
    await mesh.start({ ready: false });
    await until(async () => (await sender.waiting()) === 0);
    mesh.terminate();
    assert.equal(await mesh.ended(), 0);

    const found = await mesh.outbox();
    const byId = Map.groupBy(found, ({ event }) => event.id);
    assert.equal(byId.size, messages);
    assert.equal(new Set(found.map(({ event }) => event.subject)).size, messages);
    // What was published twice is byte for byte the same, so that the exchange knows it for a repeat.
    for (const repeats of byId.values())
      assert.equal(new Set(repeats.map(({ record }) => record.value?.toString('base64'))).size, 1);
    assert.deepEqual(await mesh.deadLetters(), []);
    return { records: found.length, events: byId.size };
  } finally {
    await mesh.close();
    await line.close();
  }
};
