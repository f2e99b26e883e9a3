import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { eventId } from '@causeway/runtime/bus/envelope';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, testToken } from '@causeway/testing/bus';
import { agreementYaml, SCOPES } from './bus-world.ts';
import { ADMISSION, type Arriving, arrive } from './inbox.ts';
import { startIssuer } from './issuer.ts';
import { freshSchema, testEnvironment } from './partnership.ts';
import { startReceiver } from './receiver.ts';
import { freePort, KEY, WEBHOOK_KEY } from './world.ts';

export type Survived = {
  sent: Map<string, string[]>;
  taken: { id: string; subject: string }[];
  killed: number;
};

/** Generous: a machine that does much else takes a minute to start two gateways. */
const PATIENCE_MS = 180_000;

/**
 * Two gateways in processes of their own that share the work of one subscription. While they deliver, one of them is killed with
 * SIGKILL as often as is asked for, and started again in between.
 */
export const killOneOfTwo = async ({
  events,
  subjects,
  kills,
}: {
  events: number;
  subjects: number;
  kills: number;
}): Promise<Survived> => {
  const schema = freshSchema();
  const [issuer, bus] = await Promise.all([startIssuer(), createTestBus(2)]);
  const [trust = '', council = ''] = bus.organisations;
  const ports = [await freePort(), await freePort()];
  const database = connectDatabase({
    url: testEnvironment().DATABASE_URL ?? '',
    schema: schema.name,
    log: createLogger('test', 'silent'),
    connections: 1,
  });
  const receiver = await startReceiver(async () => {
    await delay(5);
    return 204;
  });
  const running: ChildProcess[] = [];
  const start = (index: number): void => {
    running[index] = spawn(process.execPath, ['src/main.ts'], {
      cwd: new URL('../../', import.meta.url),
      stdio: process.env.LOG_LEVEL ? 'inherit' : 'ignore',
      env: {
        ...testEnvironment(),
        ...bus.env,
        PATH: process.env.PATH,
        SERVICE_NAME: 'gateway',
        ADMIN_PORT: '0',
        OIDC_ISSUER: issuer.url,
        GATEWAY_PORT: String(ports[index]),
        GATEWAY_DATABASE_SCHEMA: schema.name,
        GATEWAY_WEBHOOKS_TO_LOOPBACK: 'true',
        CURSOR_KEY: KEY,
        WEBHOOK_KEY,
      },
    });
  };
  const end = async (index: number, signal: NodeJS.Signals): Promise<void> => {
    const process = running[index];
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  };
  const ask = async (
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`http://127.0.0.1:${ports[0]}/v1/subscriptions${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${await issuer.token(council, { scope: SCOPES })}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const holders = () =>
    database.query<{ count: number }>(
      'select count(distinct holder)::int as count from delivery_head where holder is not null and lease_until > now()',
    );

  try {
    start(0);
    start(1);
    const agreement = await bus.activate(
      agreementYaml(`hooks-${trust}`, trust, [council], { [ADMISSION]: { fields: ['visitId'] } }),
    );
    await until(async () => (await ask('')).status === 200, 'the gateway answers');
    const made = await ask('', { endpoint: receiver.url });
    if (made.status !== 201) throw new Error(`the subscription was answered ${made.status}`);
    await until(async () => (await holders())[0]?.count === 2, 'both instances hold partitions');

    const sent = new Map<string, string[]>();
    const all = Array.from({ length: events }, (_, index): Arriving => {
      const subject = testToken(`person ${index % subjects}`);
      const id = eventId(['two-gateways', trust], Buffer.from(String(index)), 0);
      sent.set(subject, [...(sent.get(subject) ?? []), id]);
      return { id, subject, source: `/${trust}/adt`, agreement: [agreement] };
    });
    await arrive(bus, council, all);
    const distinct = () => new Set(receiver.taken.map(({ id }) => id)).size;
    let killed = 0;
    for (; killed < kills; killed += 1) {
      const share = ((killed + 1) * events) / (kills + 2);
      await until(async () => distinct() >= share, 'some are delivered');
      await end(1 - (killed % 2), 'SIGKILL');
      if (killed + 1 < kills) start(1 - (killed % 2));
    }
    await until(async () => distinct() >= events, 'everything is delivered');
    return { sent, taken: receiver.taken.map(({ id, subject }) => ({ id, subject })), killed };
  } finally {
    await Promise.all([end(0, 'SIGKILL'), end(1, 'SIGKILL')]);
    await Promise.all([receiver.close(), bus.close(), issuer.close(), database.close()]);
    await schema.drop();
  }
};

const until = async (is: () => Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await is().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`it did not come to this: ${what}`);
    await delay(20);
  }
};

/** Whether every event came, and each subject's first deliveries in order. What is wrong, or null. */
export const faultIn = ({ sent, taken }: Survived): string | null => {
  for (const [subject, ids] of sent) {
    const came = [...new Set(taken.filter((one) => one.subject === subject).map(({ id }) => id))];
    if (came.join() !== ids.join())
      return `${came.length} of ${ids.length} events of a subject, or in another order`;
  }
  return null;
};
