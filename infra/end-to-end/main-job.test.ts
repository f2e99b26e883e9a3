import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connectKafka } from '@causeway/runtime/kafka/connect';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testNhsNumber } from '@causeway/schemas/identifiers/example-people';
import { type Collector, startCollector } from '@causeway/testing/trace-collector';
import { fixtureMessages } from '../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage } from '../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { type Causeway, type CloudEvent, startCauseway } from './support/causeway.ts';

const COUNCIL = 'westshire-council';
const TRUST = 'westshire-nhs-trust';
const POLICE = 'westshire-police';
const PERSONAL = [
  'ZZZTEST',
  'Tester-One',
  'TESTER-ONE',
  'MINNIE',
  'Middle Mead',
  'Royal London Hospital',
  'Exampleton',
  '9999999999',
  '10769848',
  '19280101',
  '1928-01-01',
  '20000101',
  '2000-01-01',
  '19910101',
  '1991-01-01',
];

let causeway: Causeway;
let collector: Collector;
const seen: CloudEvent[] = [];

before(async () => {
  collector = await startCollector();
  causeway = await startCauseway({
    hospitalOnly: true,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
});

after(async () => {
  await causeway?.stop();
  await collector?.close();
});

const fixture = (name: string): Buffer => {
  const found = fixtureMessages().find((message) => message.name === name);
  if (!found) throw new Error(`no fixture ${name}`);
  return found.raw;
};

/** Sends framed bytes on a connection of its own and answers with everything that comes back until it closes or falls quiet. */
const exchangeBytes = (
  bytes: Buffer,
  until: (answer: string) => boolean,
  timeoutMs = 20_000,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(causeway.mllp);
    let answer = '';
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () =>
      reject(new Error(`no answer in ${timeoutMs} ms, only ${JSON.stringify(answer)}`)),
    );
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (until(answer)) finish();
    });
    socket.on('error', () => finish());
    socket.on('close', () => finish());
    socket.write(bytes);
  });

const framed = (message: Buffer) => Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([0x1c, 0x0d])]);
const acknowledged = (answer: string) => /MSA\|(\w\w)/.exec(answer)?.[1];
const send = async (message: Buffer) =>
  acknowledged(await exchangeBytes(framed(message), (text) => text.includes('\x1c')));

const newEvents = async (after: string, wait = 5) =>
  causeway.events(COUNCIL, `${after ? `after=${encodeURIComponent(after)}&` : ''}wait=${wait}`);
const recordsIn = (output: string) =>
  [...output.matchAll(/^ledger\.westshire-nhs-trust\/\d+: (\d+) records/gm)].reduce(
    (total, [, records]) => total + Number(records),
    0,
  );
const verifyLedger = async () => {
  const { code, output } = await causeway.command('operator/ledger.ts', 'verify');
  assert.equal(code, 0, output);
  return recordsIn(output);
};

test('an admission sent by the hospital reaches the council within a second, with the fields of the agreement and no others', async () => {
  const { next } = await causeway.events(COUNCIL);
  const began = performance.now();
  assert.equal(await send(fixture('cerner-a01')), 'AA');
  const acknowledgedAt = performance.now();
  const page = await newEvents(next);
  const took = performance.now() - acknowledgedAt;
  assert.equal(page.events.length, 1);
  const [event] = page.events as [CloudEvent];
  seen.push(event);
  assert.equal(event.type, 'uk.causeway.nhs.inpatient-admission.recorded.v1');
  assert.deepEqual(Object.keys(event.data).sort(), ['admittedAt', 'contact', 'person', 'visitId']);
  const person = event.data.person as Record<string, unknown>;
  assert.deepEqual(Object.keys(person).sort(), ['address', 'dateOfBirth', 'name']);
  assert.deepEqual(person.address, { postcode: 'E1' });
  assert.ok(
    took < 1_000,
    `${took.toFixed(0)} ms after the acknowledgement, which took ${(acknowledgedAt - began).toFixed(0)} ms`,
  );
});

test('neither the sender nor anybody else is given the event', async () => {
  assert.deepEqual((await causeway.events(TRUST, 'wait=1')).events, []);
  assert.deepEqual((await causeway.events(POLICE, 'wait=1')).events, []);
});

test('the same message again is acknowledged and adds nothing, and its control number with other content is a new event', async () => {
  const records = await verifyLedger();
  assert.equal(await send(fixture('cerner-a01')), 'AA');
  const other = Buffer.from(
    fixture('cerner-a01')
      .toString('latin1')
      .replace('RNJ RLH 6Z^a Side 28^28cb', 'RNJ RLH 6Z^a Side 28^28cc'),
    'latin1',
  );
  assert.equal(await send(other), 'AA');
  const deadline = Date.now() + 10_000;
  let all: CloudEvent[] = [];
  while (all.length < 2 && Date.now() < deadline) all = await causeway.allEvents(COUNCIL);
  assert.equal(new Set(all.map(({ id }) => id)).size, 2);
  assert.equal(all.length, 2);
  assert.equal(await verifyLedger(), records + 1);
});

test('every sample is answered, split at any point, two on one connection and interleaved on four', async () => {
  const samples = fixtureMessages();
  const before = await verifyLedger();
  const bytes = (name: string, index: number) =>
    framed(
      Buffer.from(
        fixture(name)
          .toString('latin1')
          .replace(/^(MSH(?:\|[^|]*){8}\|)[^|]*/, `$1E2E${index}`),
        'latin1',
      ),
    );
  const pieces = samples.map(({ name }, index) => bytes(name, index));
  const paired = pieces.flatMap((piece, index) =>
    index % 2 === 0 ? [Buffer.concat([piece, pieces[index + 1] ?? Buffer.alloc(0)])] : [],
  );
  const answers = await Promise.all(
    paired.map(async (bytes, lane) => {
      const wanted = 2 * lane + 1 < pieces.length ? 2 : 1;
      const socket = connect(causeway.mllp);
      let answer = '';
      const done = new Promise<string>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('data', (data) => {
          answer += data.toString('latin1');
          if (answer.split('\x1c').length - 1 >= wanted) resolve(answer);
        });
      });
      for (let at = 0; at < bytes.length; at += 1 + ((at * 7) % 97)) {
        const size = 1 + ((at * 7) % 97);
        await new Promise((resolve) => socket.write(bytes.subarray(at, at + size), resolve));
      }
      const text = await done;
      socket.destroy();
      return text;
    }),
  );
  const codes = answers.flatMap((answer) =>
    [...answer.matchAll(/MSA\|(\w\w)\|([^\r|]*)/g)].map(([, code, id]) => `${code} ${id}`),
  );
  assert.deepEqual(codes.sort(), pieces.map((_, index) => `AA E2E${index}`).sort());
  // Of the samples one is an admission and one a discharge; both are facts that were told under other control numbers before or are new.
  const events = await causeway.allEvents(COUNCIL);
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
  assert.ok((await verifyLedger()) > before);
});

test('what is no message is refused with a reason and kept, and everybody else is served meanwhile', async () => {
  const huge = Buffer.concat([
    Buffer.from([0x0b]),
    Buffer.from('MSH|^~\\&|BIG|A|B|C|20260101||ADT^A01|HUGE|P|2.4\rZZZ|'),
    Buffer.alloc(20 * 1024 * 1024, 0x41),
    Buffer.from([0x1c, 0x0d]),
  ]);
  const stalled = connect(causeway.mllp);
  stalled.on('error', () => {});
  stalled.write(Buffer.concat([Buffer.from([0x0b]), Buffer.from('MSH|^~\\&|STALLED')]));
  const [garbage, headless, large, good] = await Promise.all([
    exchangeBytes(Buffer.from('GET / HTTP/1.1\r\n\r\n\x1c\r'), (text) => text.includes('\x1c')),
    exchangeBytes(framed(Buffer.from('PID|1||NOBODY\r')), (text) => text.includes('\x1c')),
    exchangeBytes(huge, (text) => text.includes('\x1c')),
    send(stayMessage({ trigger: 'A01', stay: 900_001, controlId: 'GOOD1', at: new Date() })),
  ]);
  assert.equal(good, 'AA');
  for (const answer of [garbage, headless, large]) assert.match(answer, /MSA\|A[RE]/);
  stalled.destroy();
  const reasons = async () =>
    (await deadLetters()).map(({ headers }) => headers['dl-reason']?.toString()).sort();
  const deadline = Date.now() + 20_000;
  while ((await reasons()).length < 4 && Date.now() < deadline);
  assert.deepEqual(await reasons(), ['cut-short', 'no-header', 'outside-frame', 'too-large']);
});

const admin = () => {
  const { KAFKA_BROKERS, KAFKA_USERNAME, KAFKA_PASSWORD } = causeway.system.parts.connections;
  return connectKafka(
    {
      brokers: KAFKA_BROKERS.split(','),
      username: KAFKA_USERNAME,
      password: KAFKA_PASSWORD,
      clientId: 'test',
    },
    createLogger('test', 'fatal'),
  );
};

const readTopics = async (topics: string[]) => {
  const kafka = admin();
  const reader = kafka.reader();
  const records = [];
  for (const topic of topics)
    for (let partition = 0; partition < (await reader.partitionCount(topic)); partition += 1)
      for await (const record of readToEnd(reader, { topic, partition }, 0))
        records.push({ ...record, topic });
  await kafka.close();
  return records;
};
const deadLetters = () => readTopics([`dead-letter.${TRUST}`]);

test('one trace leads from the message of the hospital to the webhook of the partner', async () => {
  const arrived = Promise.withResolvers<{ header: string; traceparent: string }>();
  const receiver = createServer(async (request, response) => {
    const event = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8'));
    arrived.resolve({ header: String(request.headers.traceparent), traceparent: event.traceparent });
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const asCouncil = { authorization: `Bearer ${await causeway.token(COUNCIL)}` };
  const made = await fetch(`${causeway.gateway}/v1/subscriptions`, {
    method: 'POST',
    headers: { ...asCouncil, 'content-type': 'application/json' },
    body: JSON.stringify({ endpoint: `http://127.0.0.1:${port}/` }),
  });
  const { id } = (await made.json()) as { id: string };
  try {
    assert.equal(
      await send(stayMessage({ trigger: 'A01', stay: 77, controlId: 'TRACED', at: new Date() })),
      'AA',
    );
    const { header, traceparent } = await arrived.promise;
    const [, trace, delivery] = header.split('-');
    assert.equal(traceparent.split('-')[1], trace);
    const steps = () =>
      collector
        .spans()
        .flatMap(({ traceId, service, name }) => (traceId === trace ? `${service} ${name}` : []));
    const wanted = ['nhs-trust accept', 'exchange decide', 'gateway deliver'];
    for (
      const deadline = Date.now() + 10_000;
      wanted.some((step) => !steps().includes(step));
      await delay(100)
    )
      assert.ok(Date.now() < deadline, `only ${steps()}`);
    const webhook = collector.spans().find(({ spanId }) => spanId === delivery);
    assert.deepEqual([webhook?.service, webhook?.name], ['gateway', 'deliver']);
  } finally {
    await fetch(`${causeway.gateway}/v1/subscriptions/${id}`, { method: 'DELETE', headers: asCouncil });
    receiver.close();
  }
});

test('no name, number, date of birth or address is in any log line, key, header, span or metric', async () => {
  const topics = [COUNCIL, TRUST, POLICE].flatMap((id) => [
    `outbox.${id}`,
    `inbox.${id}`,
    `ledger.${id}`,
    `dead-letter.${id}`,
  ]);
  const records = await readTopics(topics);
  assert.ok(records.length > 10);
  const envelopes = records.map(
    ({ key, headers, topic }) =>
      `${topic} ${key} ${Object.entries(headers)
        .map(([name, text]) => `${name}=${text}`)
        .join(' ')}`,
  );
  const ledger = records.filter(({ topic }) => topic.startsWith('ledger.')).map(({ value }) => String(value));
  const metrics = await Promise.all(
    Object.values(causeway.system.endpoints).map(async ({ admin: url }) =>
      (await fetch(`${url}/metrics`)).text(),
    ),
  );
  const places: Record<string, string> = {
    logs: causeway.logs(),
    envelopes: envelopes.join('\n'),
    ledger: ledger.join('\n'),
    metrics: metrics.join('\n'),
    spans: collector.text(),
  };
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 100, `nothing to look at in ${place}`);
    for (const personal of PERSONAL) assert.ok(!text.includes(personal), `${personal} is in ${place}`);
  }
});

test('an information-governance lead finds what was disclosed about a person, and a suspended agreement releases nothing more', async () => {
  const { output } = await causeway.command('dev/token.ts', '--role', 'information-governance');
  const headers = { authorization: `Bearer ${output.trim()}`, 'content-type': 'application/json' };
  const patient = 31_415;
  const search = async () => {
    const body = JSON.stringify({
      scheme: 'nhs',
      value: testNhsNumber(patient),
      reason: 'a request of the person',
    });
    const answer = await fetch(`${causeway.console}/api/disclosures/search`, {
      method: 'POST',
      headers,
      body,
    });
    return ((await answer.json()) as { disclosures: { eventId: string; recipients: object[] }[] })
      .disclosures;
  };
  const toCouncil = (recipients: object[] = []): string[] =>
    (recipients as { recipient: string; outcome: string; reason?: string }[])
      .filter(({ recipient }) => recipient === 'westshire-council')
      .map(({ outcome, reason }) => [outcome, reason].filter(Boolean).join(' '));
  const admit = (stay: number) =>
    send(stayMessage({ trigger: 'A01', stay, patient, controlId: `GOV${stay}`, at: new Date() }));
  const until = async (count: number) => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
      const found = await search();
      if (found?.length === count) return found;
    }
    throw new Error(`not ${count} disclosures in time`);
  };
  assert.equal(await admit(910_001), 'AA');
  const [first] = await until(1);
  assert.deepEqual(toCouncil(first?.recipients), ['released']);

  const suspended = await causeway.command(
    'operator/agreement.ts',
    'suspend',
    'test-hospital-stay',
    '--reason',
    'tonight',
  );
  assert.equal(suspended.code, 0, suspended.output);
  assert.equal(await admit(910_002), 'AA');
  const [second] = await until(2);
  assert.deepEqual(toCouncil(second?.recipients), ['withheld not-active']);
  const active = await causeway.command(
    'operator/agreement.ts',
    'activate',
    'test-hospital-stay/1',
    '--reason',
    'over',
  );
  assert.equal(active.code, 0, active.output);
  const shown = await causeway.command('operator/ledger.ts', 'show', first?.eventId ?? '');
  assert.match(shown.output, /westshire-council: released\n {2}test-hospital-stay\/1: .*purpose/);
  // One id in 64 begins like an option of a command.
  const unknown = await causeway.command('operator/ledger.ts', 'show', '-no-such-event-id-000');
  assert.doesNotMatch(unknown.output, /option/i);
});

test('a changed ledger record is found and named', async () => {
  const path = `${causeway.system.parts.secrets.directory}/../export.ndjson`;
  assert.equal((await causeway.command('operator/ledger.ts', 'export', path)).code, 0);
  assert.equal((await causeway.command('operator/ledger.ts', 'verify', path)).code, 0);
  const lines = readFileSync(path, 'utf8').split('\n');
  const partitionOf = (line = '') => /"partition":\d+/.exec(line)?.[0];
  // The last record of a chain is vouched for by whatever comes after it.
  const target = lines.findIndex(
    (line, index) => line.includes('released') && partitionOf(line) === partitionOf(lines[index + 1]),
  );
  assert.ok(target >= 0);
  lines[target] = (lines[target] ?? '').replace('released', 'withheld');
  writeFileSync(`${path}.changed`, lines.join('\n'));
  const { code, output } = await causeway.command('operator/ledger.ts', 'verify', `${path}.changed`);
  assert.equal(code, 1);
  assert.match(output, /line \d+: ledger\.westshire-nhs-trust\/\d, sequence \d+/);
});
