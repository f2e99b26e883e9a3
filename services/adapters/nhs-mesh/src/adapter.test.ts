import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { redriveRecord } from '@causeway/runtime/bus/redrive-request';
import { parseSafeguard } from '@causeway/runtime/reference-data/safeguards';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { createSender, type Sender } from './sender.ts';
import { fixtureMessages } from './simulator.ts';
import { type NemsMessage, nemsMessage, workflowOf } from './synthetic.ts';
import { createMesh, type Mesh, PARTNERSHIP_KEY, until } from './testing/adapter-process.ts';
import { type CrookedLine, startCrookedLine } from './testing/crooked-line.ts';
import { killedTakingOut } from './testing/killing.ts';
import { type Sandbox, startSandbox } from './testing/sandbox-process.ts';

/** What the messages of this test hold that must never be seen outside the values of records. */
const PERSONAL =
  /DAWKINS|JONES|Jack|SANDMOOR|LS17|9912003888|6101231234|Exampleton|Sampleson|Testwell|Mockford|Fakenham|Placeholder|Dumm|Invented Lane|WE4 5TS|99900\d{5}/i;

describe('nhs-mesh with the sandbox of MESH on the real bus', () => {
  let sandbox: Sandbox;
  let line: CrookedLine;
  let mesh: Mesh;
  let sender: Sender;

  before(async () => {
    sandbox = await startSandbox();
    line = await startCrookedLine(sandbox.url);
    sender = createSender(sandbox.url);
    mesh = await createMesh(line.url, { NHS_MESH_SILENCE_SECONDS: '1' });
    await mesh.start();
  });

  after(async () => {
    await mesh?.close();
    await line?.close();
    await sandbox?.stop();
  });

  const emptied = () => until(async () => (await sender.waiting()) === 0);
  const nems = (n: number, more: Partial<NemsMessage> = {}) => {
    const person = exampleAdult(20_000 + n);
    const event = more.event ?? 'pds-change-of-address-1';
    const message = {
      event,
      id: randomUUID(),
      person,
      changedAt: '2026-05-04T09:30:15Z',
      address: person.address,
    };
    return { body: nemsMessage({ ...message, ...more }), workflow: workflowOf(event) };
  };
  const eventsOf = async (n: number) => {
    const subject = createTokeniser(Buffer.from(PARTNERSHIP_KEY)).local(
      mesh.organisation,
      'nhs-number',
      exampleAdult(20_000 + n).nhsNumber,
    );
    return (await mesh.outbox()).filter(({ event }) => event.subject === subject);
  };
  const counted = async (outcome: string, reason: string): Promise<number> => {
    const found = new RegExp(`source_messages_total\\{.*outcome="${outcome}",reason="${reason}".*\\} (\\d+)`);
    return Number(found.exec(await mesh.metrics())?.[1] ?? 0);
  };

  it('publishes every sample, each once, and empties the mailbox', async () => {
    for (const { sending } of fixtureMessages()) await sender.send(sending);
    for (const { sending } of fixtureMessages()) await sender.send(sending);
    await emptied();
    const events = (await mesh.outbox()).map(({ event }) => event);
    assert.equal(events.length, 5);
    assert.equal(new Set(events.map(({ id }) => id)).size, 5);
    assert.ok(events.every(({ source }) => source === `/${mesh.organisation}/nhs-mesh`));
    assert.equal(await counted('duplicate', 'none'), 5);
  });

  it('puts messages together that come in parts, compressed or not', async () => {
    await sender.send({ ...nems(1), chunkBytes: 700 });
    await sender.send({ ...nems(2), chunkBytes: 700, compress: true });
    await sender.send({ ...nems(3), compress: true });
    await emptied();
    for (const n of [1, 2, 3]) assert.equal((await eventsOf(n)).length, 1, `message ${n}`);
  });

  it('does not publish an older address after a newer one, and puts in order what waits together', async () => {
    const moved = (day: string) => nems(4, { changedAt: `2026-05-${day}T09:00:00Z` });
    await sender.send(moved('10'));
    await emptied();
    await sender.send(moved('09'));
    await emptied();
    assert.deepEqual(
      (await eventsOf(4)).map(({ event }) => event.time),
      ['2026-05-10T09:00:00Z'],
    );
    assert.equal(await counted('ignored', 'older'), 1);
    line.decide = ({ path }) => (path.includes('/inbox?') ? 503 : 'none');
    for (const day of ['13', '11', '12']) await sender.send(moved(day));
    line.decide = () => 'none';
    await emptied();
    assert.deepEqual(
      (await eventsOf(4)).map(({ event }) => event.time.slice(8, 10)),
      ['10', '11', '12', '13'],
    );
  });

  it('keeps what is no notification with a reason, and lets nothing of it stand in the way', async () => {
    const { body } = nems(5);
    await sender.send({ ...nems(5), workflow: 'PATHOLOGY_1' });
    await sender.send({ ...nems(5), body: body.subarray(0, 1_000) });
    await sender.send({ ...nems(5), body: Buffer.concat([body, Buffer.alloc(1_200_000, ' ')]) });
    await sender.send({ ...nems(5), headers: { 'mex-content-encrypted': 'Y' } });
    await sender.send({ ...nems(5), headers: { 'content-encoding': 'gzip' } });
    await sender.send({ ...nems(5), body: Buffer.concat([Buffer.from([0x1f, 0x8b]), body]) });
    await sender.report();
    await sender.send(nems(6));
    await emptied();
    assert.equal((await eventsOf(6)).length, 1);
    assert.deepEqual(await eventsOf(5), []);
    const letters = await mesh.deadLetters();
    assert.deepEqual(letters.map(({ headers }) => String(headers['dl-reason'])).sort(), [
      ...['damaged-compression', 'damaged-compression', 'encrypted', 'malformed-xml'],
      ...['too-large', 'unknown-workflow'],
    ]);
    const large = letters.find(({ headers }) => String(headers['dl-reason']) === 'too-large');
    assert.equal(large?.value?.length, 400_000);
    assert.equal(String(large?.headers['dl-length']), String(body.length + 1_200_000));
    assert.equal(await counted('ignored', 'report'), 1);
  });

  it('publishes a dead letter that is redriven after what was wrong was mended', async () => {
    const letters = await mesh.deadLetters();
    const letter = letters.find(({ headers }) => String(headers['dl-reason']) === 'unknown-workflow');
    assert.ok(letter);
    const request = { id: 'redrive-of-mesh', by: 'operator', reason: 'a test', at: '2026-11-01T12:00:00Z' };
    await mesh.bus.producer.send([
      redriveRecord(mesh.organisation, { ...request, deadLetter: letter.offset }),
    ]);
    await until(async () => (await eventsOf(5)).length === 1);
  });

  it('shields a person whose record is restricted, before and beside the event', async () => {
    await sender.send(nems(7, { security: 'R' }));
    await emptied();
    const [record] = await mesh.bus.records(mesh.topics.safeguards);
    assert.ok(record?.value);
    const { kind, writer, tokens } = parseSafeguard(record.value);
    assert.deepEqual([kind, writer], ['shielded', 'nhs-mesh']);
    const [found] = await eventsOf(7);
    assert.ok(found && tokens.includes(found.event.subject));
    const schemaId = found.record.value?.readUInt32BE(1) ?? 0;
    const { value } = found.record;
    assert.ok(value && schemaId > 0 && !value.includes(exampleAdult(20_007).address.postcode));
    await sender.send(nems(7, { security: 'U', changedAt: '2026-05-01T09:30:15Z' }));
    await sender.send(nems(7, { security: 'U', changedAt: '2026-05-05T09:30:15Z' }));
    await emptied();
    const records = await mesh.bus.records(mesh.topics.safeguards);
    assert.deepEqual(
      records.map((one) => one.value === null),
      [false, true],
    );
  });

  it('goes on trying while MESH does not answer, refuses or breaks off, and says so', async () => {
    for (const trouble of [503, 403, 'lose', 'cut'] as const) {
      line.decide = () => trouble;
      await until(async () => !(await mesh.isReady()));
      assert.match(await mesh.readiness(), /mesh/);
      line.decide = () => 'none';
      await until(mesh.isReady);
    }
    const n = 8;
    let failures = 0;
    line.decide = ({ path }) => (/\/inbox\/\w{20,}/.test(path) && failures++ < 3 ? 500 : 'none');
    await sender.send(nems(n));
    await emptied();
    assert.equal((await eventsOf(n)).length, 1);
    const metrics = await mesh.metrics();
    assert.match(metrics, /source_calls_total\{.*call="list",outcome="failed".*\} [1-9]/);
    assert.match(metrics, /source_calls_total\{.*outcome="refused".*\} [1-9]/);
  });

  it('puts nothing about a person into logs, metrics, keys or headers', async () => {
    const records = [...(await mesh.outbox()).map(({ record }) => record), ...(await mesh.deadLetters())];
    assert.ok(records.length > 10);
    const visible = records.map(({ key, headers }) =>
      [String(key), ...Object.values(headers).map(String)].join('\n'),
    );
    for (const text of [mesh.output(), await mesh.metrics(), ...visible]) assert.doesNotMatch(text, PERSONAL);
  });

  it('stops in order when told to', async () => {
    mesh.terminate();
    assert.equal(await mesh.ended(), 0);
  });

  it('loses nothing when it is killed while downloading and between publishing and acknowledging', async () => {
    const { events } = await killedTakingOut(sandbox, 100, 2);
    assert.equal(events, 100);
  });
});
