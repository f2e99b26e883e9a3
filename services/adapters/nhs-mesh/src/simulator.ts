/**
 * The national services as they would fill the mailbox: the samples once, then invented notifications without end, at a steady
 * pace, about people whom other organisations know as well.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { choice, integer, loadConfig, serviceSettings, url } from '@causeway/runtime/service/config';
import { createLogger, type Logger } from '@causeway/runtime/telemetry/log';
import {
  EXAMPLE_ADULTS,
  exampleAdult,
  exampleChild,
  testNhsNumber,
} from '@causeway/schemas/identifiers/example-people';
import { createSender, type Sender, type Sending } from './sender.ts';
import { mnsSignal, nemsMessage, workflowOf } from './synthetic.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url);

/** How the national services would send the content of a file. */
export const sendingOf = (file: string, body: Buffer): Sending => ({
  body,
  workflow: workflowOf(/(?:pds|nhs-number)-[a-z-]+-[12]/.exec(body.toString('utf8'))?.[0] ?? ''),
  contentType: file.endsWith('.json') ? 'application/json' : 'application/xml',
});

/** The samples of NEMS and MNS as they were published, or those of other folders beside them, in order of their names. */
export const fixtureMessages = (
  folders = ['mns', 'nems'],
): { name: string; raw: Buffer; sending: Sending }[] =>
  folders.flatMap((folder) => {
    const from = new URL(`${folder}/`, FIXTURES);
    return readdirSync(from)
      .filter((file) => /(?<!\.approved)\.(xml|json)$/.test(file))
      .sort()
      .map((file) => {
        const raw = readFileSync(new URL(file, from));
        return { name: `${folder}/${file}`, raw, sending: sendingOf(file, raw) };
      });
  });

/** People of whom the simulated index says that they died: the last of those whom the example council knows, every tenth from 1 on. */
const MORTAL = 50;
const PRACTICES = ['F84034', 'B86056', 'Y99901'];

const house = (n: number): { lines: [string, string]; postcode: string } => ({
  lines: [`${1 + (n % 120)} Pretend Close`, 'Fictionham'],
  postcode: 'WE5 1QA',
});

/** One notification, by its number: mostly people move and change their practice, seldom somebody is born or dies. */
export const notification = (n: number, at: string): Sending => {
  const id = randomUUID();
  const person = exampleAdult((n * 37) % EXAMPLE_ADULTS);
  const nems = (event: string, more: Partial<Parameters<typeof nemsMessage>[0]>): Sending => ({
    body: nemsMessage({ event, id, person, changedAt: at, ...more }),
    workflow: workflowOf(event),
  });
  const mns = (event: string, more: { recordedUnder?: string } = {}): Sending => ({
    body: mnsSignal({ event, id, number: person.nhsNumber, at, ...more }),
    workflow: workflowOf(event),
    contentType: 'application/json',
  });
  if (n % 10 === 1) {
    // Somebody says so, then it is registered, and now and then it was a mistake.
    const mortal = exampleAdult(EXAMPLE_ADULTS - 9 - 10 * (Math.floor(n / 30) % MORTAL));
    const status = (['1', '2', 'U'] as const)[Math.floor(n / 10) % 3] ?? '1';
    const died = { status, ...(status !== 'U' && { at: at.slice(0, 10) }) };
    return nems('pds-death-notification-1', { person: mortal, death: died, address: mortal.address });
  }
  if (n % 10 === 4) {
    const child = exampleChild(Math.floor(n / 10) % 100);
    const born = { ...child, dateOfBirth: at.slice(0, 10), nhsNumber: testNhsNumber(450_000 + (n % 40_000)) };
    return nems('pds-birth-notification-1', { person: born, mother: person, address: house(n) });
  }
  if (n % 20 === 7)
    return mns('nhs-number-change-2', { recordedUnder: testNhsNumber(440_000 + (n % 9_000)) });
  if (n % 10 === 7) return mns('pds-change-of-gp-2');
  if (n % 3 === 0)
    return nems('pds-change-of-gp-1', { practice: PRACTICES[n % PRACTICES.length] ?? 'F84034' });
  return nems('pds-change-of-address-1', { address: house(n), before: person.address });
};

/** What a mailbox can hold besides: the same message again, rubbish, another service's, a report, one that is far too large. */
const misbehave = async (sender: Sender, last: Sending, n: number): Promise<unknown> => {
  const odd: (() => Promise<unknown>)[] = [
    () => sender.send(last),
    () => sender.send({ ...last, body: last.body.subarray(0, last.body.length / 2) }),
    () => sender.send({ ...last, workflow: 'PATHOLOGY_1' }),
    () => sender.report(),
    () => sender.send({ ...last, body: Buffer.alloc(3_000_000, 'x') }),
    () => sender.send(notification(n, new Date(Date.now() - 86_400_000).toISOString())),
  ];
  return odd[n % odd.length]?.();
};

const settings = {
  ...serviceSettings,
  NHS_MESH_URL: url('http://127.0.0.1:8700'),
  NHS_MESH_SIMULATOR_PER_MINUTE: integer(30, { min: 1, max: 60_000 }),
  NHS_MESH_SIMULATOR_BEHAVIOUR: choice(['orderly', 'unruly'], 'orderly'),
};

const AGAIN_MS = 1_000;

const play = async (
  log: Logger,
  signal: AbortSignal,
  config: ReturnType<typeof loadConfig<typeof settings>>,
) => {
  const sender = createSender(config.NHS_MESH_URL);
  const pause = 60_000 / config.NHS_MESH_SIMULATOR_PER_MINUTE;
  const samples = fixtureMessages().map(({ sending }) => sending);
  for (let n = 0; ; n += 1) {
    const sending = samples[n] ?? notification(n, new Date().toISOString());
    while (!(await sent(sender, sending, log))) await delay(AGAIN_MS, undefined, { signal });
    if (config.NHS_MESH_SIMULATOR_BEHAVIOUR === 'unruly' && n % 5 === 4)
      await misbehave(sender, sending, Math.floor(n / 5)).catch(() => undefined);
    await delay(pause, undefined, { signal });
  }
};

const sent = (sender: Sender, sending: Sending, log: Logger): Promise<boolean> =>
  sender.send(sending).then(
    () => true,
    () => {
      log.debug('the mailbox does not take a message now');
      return false;
    },
  );

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('nhs-mesh-simulator', config.LOG_LEVEL);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  log.info({ event: 'simulator.started' }, 'the simulated national services are filling the mailbox');
  await play(log, stop.signal, config).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  process.exit(0);
}
