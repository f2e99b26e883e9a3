import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createEngine, type Engine } from '../../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage } from '../../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { createLoad } from '../../bench/load.ts';
import { print } from '../../bench/report.ts';
import { repository } from '../../common/paths.ts';
import { organisationsDirectory } from '../../common/settings.ts';
import { startAnother } from '../../dev/system.ts';
import { type Causeway, startCauseway } from '../support/causeway.ts';

const TRUST = 'westshire-nhs-trust';
const COUNCIL = 'westshire-council';
const PATIENCE_MS = 60_000;
/** Events flow for so long before, between and after the steps. */
const BETWEEN_MS = 3_000;
const PATIENTS = 10;

let causeway: Causeway;
before(async () => {
  causeway = await startCauseway({ hospitalOnly: true });
});
after(() => causeway?.stop());

test('while every service is upgraded one instance after the other, every request is answered, nothing acknowledged is lost or comes twice, and order is kept', async () => {
  const flow = await startFlow();
  await delay(BETWEEN_MS);
  await deployAgain();
  // Two of each, as in a cluster, so that one is there while the other is replaced.
  await flow.add('exchange', 'exchange-b');
  await flow.add('gateway', 'gateway-b');
  for (const [service, old, fresh] of [
    ['exchange', 'exchange', 'exchange-c'],
    ['exchange', 'exchange-b', 'exchange-d'],
    ['gateway', 'gateway', 'gateway-c'],
    ['gateway', 'gateway-b', 'gateway-d'],
    ['nhs-trust', 'nhs-trust', 'nhs-trust-b'],
  ] as const) {
    await flow.add(service, fresh);
    await flow.remove(old);
    await delay(BETWEEN_MS);
  }
  await flow.remove('console');
  await flow.add('console', 'console-b');
  await delay(BETWEEN_MS);
  const { sent, received, cut } = await flow.stop();
  assert.deepEqual(cut, [], 'requests that were begun and not answered');
  assert.ok(sent.length > 100, `${sent.length} events were sent`);
  const bySubject = (events: readonly Event[]) =>
    [...Map.groupBy(events, ({ subject }) => subject).values()]
      .map((group) => group.map(({ key }) => key))
      .sort();
  assert.deepEqual(bySubject(received), bySubject(sent));
  const { code, output } = await causeway.command('operator/ledger.ts', 'verify');
  assert.equal(code, 0, output);
  print(`${sent.length} events were acknowledged and arrived while everything was replaced`);
});

/** The deployment step of a release, as a container runs it. */
const deployAgain = async () => {
  const { connections } = causeway.system.parts;
  await promisify(execFile)(process.execPath, [join(repository, 'infra', 'deploy', 'main.ts')], {
    env: {
      ...process.env,
      ...connections,
      KAFKA_REPLICATION_FACTOR: '1',
      KAFKA_MIN_INSYNC_REPLICAS: '1',
      CAUSEWAY_ORGANISATIONS_DIR: organisationsDirectory,
      CAUSEWAY_AGREEMENTS_DIR: join(import.meta.dirname, '../agreements'),
    },
  });
};

/** `key` is the visit of a message and the id of an event. `subject` is whose they are. */
type Event = { subject: string; key: string };

/**
 * A hospital that sends one message after the other, a system that publishes over HTTP, and a partner that reads, each by whichever instance is in
 * service, as behind a load balancer: an instance is given nothing more before it is asked to stop, and must end what it has begun.
 */
const startFlow = async () => {
  const { system, home, mllp, gateway } = causeway;
  const parts = new Map(system.parts.supervisor.parts().map((part) => [part.name, part]));
  const gateways = new Map([['gateway', gateway]]);
  const engines = new Map<string, Engine>([['nhs-trust', createEngine({ ...mllp, againMs: 200 })]]);
  const load = await createLoad({ system });
  const tokens = new Map([
    [TRUST, await causeway.token(TRUST)],
    [COUNCIL, await causeway.token(COUNCIL)],
  ]);
  const [sent, received, cut]: [Event[], Event[], string[]] = [[], [], []];
  const patience = AbortSignal.timeout(10 * PATIENCE_MS);
  let isSending = true;

  const newest = <T>(of: Map<string, T>): T => {
    const last = [...of.values()].at(-1);
    assert.ok(last !== undefined);
    return last;
  };

  const ask = async (organisation: string, path: string, body?: object): Promise<unknown> => {
    const url = `${newest(gateways)}${path}`;
    const headers = {
      authorization: `Bearer ${tokens.get(organisation)}`,
      'content-type': 'application/cloudevents+json',
    };
    const answer = await fetch(url, {
      headers,
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    }).catch((error: Error) => error);
    if (answer instanceof Error) return void cut.push(`${path.split('?')[0]}: ${answer.cause}`);
    if (answer.ok) return answer.json();
    assert.equal(answer.status, 503, path);
    return void cut.push(`${path.split('?')[0]}: ${answer.status} ${await answer.text()}`);
  };

  const sendMessages = async () => {
    for (let stay = 0; isSending; stay += 1) {
      const patient = stay % PATIENTS;
      const at = new Date(Date.UTC(2026, 8, 1, 0, stay));
      const message = stayMessage({ trigger: 'A01', stay, patient, controlId: `U${stay}`, at });
      // An engine keeps its message until it is acknowledged, and sends it to whoever answers then.
      while (
        (
          await newest(engines)
            .attempt(message)
            .catch(() => null)
        )?.code !== 'AA'
      ) {
        patience.throwIfAborted();
        await delay(200);
      }
      sent.push({ subject: `patient ${patient}`, key: `V${String(stay).padStart(8, '0')}` });
    }
  };

  const publish = async () => {
    while (isSending) {
      const event = load.cloudEvent(TRUST) as { id: string; subject: string };
      const answer = await ask(TRUST, '/v1/events', event);
      if (answer === undefined) continue;
      assert.match(JSON.stringify(answer), /"accepted"/);
      sent.push({ subject: event.subject, key: event.id });
    }
  };

  const read = async () => {
    for (let after = ''; isSending || received.length < sent.length; ) {
      patience.throwIfAborted();
      const query = `wait=2${after && `&after=${encodeURIComponent(after)}`}`;
      const page = (await ask(COUNCIL, `/v1/events?${query}`)) as Page | undefined;
      if (!page) continue;
      for (const { id, subject, source, data } of page.events)
        received.push({ subject, key: source.endsWith('/nhs-trust') ? String(data.visitId) : id });
      after = page.next;
    }
  };

  const running = [sendMessages(), publish(), read()];
  const all = Promise.all(running);
  all.catch(() => undefined);
  return {
    add: async (service: string, name: string) => {
      const part = await startAnother(system, service, { home, name });
      parts.set(name, part);
      if (service === 'gateway') gateways.set(name, part.url ?? '');
      if (service === 'nhs-trust') {
        const { hostname: host, port } = new URL(part.url ?? '');
        engines.set(name, createEngine({ host, port: Number(port), againMs: 200 }));
      }
    },
    remove: async (name: string) => {
      gateways.delete(name);
      engines.delete(name);
      const part = parts.get(name);
      assert.ok(part, `${name} does not run`);
      await part.stop();
    },
    stop: async () => {
      isSending = false;
      await all;
      return { sent, received, cut };
    },
  };
};

type Page = {
  events: { id: string; subject: string; source: string; data: Record<string, unknown> }[];
  next: string;
};
