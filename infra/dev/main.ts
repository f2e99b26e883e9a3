import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOOPBACK } from '../common/ports.ts';
import { parentOf } from '../common/processes.ts';
import { agreementsOf, CannotStart, homeOf } from '../common/settings.ts';
import { runningLauncher } from './supervisor/process-book.ts';
import { PartFailed } from './supervisor/supervisor.ts';
import { type System, startSystem } from './system.ts';

const USAGE = 'npm start -- [--fresh] [--simulators on|off]';
/** What `--fresh` throws away; never the whole folder, which may be one that the user named. */
const STATE = [
  'kafka',
  'external-kafka',
  'postgres',
  'registry',
  'secrets',
  'logs',
  'council-drop',
  'endpoints.json',
  'connections.json',
];
/** Ctrl-C reaches us from the terminal and a second time from npm: that is one wish, not two. */
const SAME_WISH_MS = 1_000;
const PARENT_CHECK_MS = 500;

const began = Date.now();
const say = (line: string) => process.stdout.write(`${line}\n`);

type Options = { fresh: boolean; simulators: boolean };

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: { fresh: { type: 'boolean', default: false }, simulators: { type: 'string', default: 'on' } },
    });
    if (values.simulators !== 'on' && values.simulators !== 'off')
      throw new Error('--simulators is on or off');
    return { fresh: values.fresh, simulators: values.simulators === 'on' };
  } catch (error) {
    throw new CannotStart(`${error instanceof Error ? error.message : error}. Usage: ${USAGE}`);
  }
}

function throwAway(home: string) {
  const running = runningLauncher(home);
  if (running)
    throw new CannotStart(`Causeway runs already on ${home} (process ${running}); stop that one first.`);
  for (const name of STATE) rmSync(join(home, name), { recursive: true, force: true });
}

function announce(system: System, home: string) {
  const { endpoints, simulated, parts, processes } = system;
  const { connections } = parts;
  say(`ready in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  const places: [string, string][] = [
    ...Object.entries(endpoints).flatMap(([name, { url }]): [string, string][] => (url ? [[name, url]] : [])),
    ['OpenID provider', connections.OIDC_ISSUER],
    ['schema registry', connections.SCHEMA_REGISTRY_URL],
    ['Kafka', connections.KAFKA_BROKERS],
    ['PostgreSQL', new URL(connections.DATABASE_URL).host],
    ...Object.entries(simulated).map(([name, port]): [string, string] => [
      `simulated system behind ${name}`,
      `${LOOPBACK}:${port}`,
    ]),
    ['logs', join(home, 'logs')],
  ];
  say('');
  const width = Math.max(...places.map(([name]) => name.length));
  for (const [name, place] of places) say(`  ${name.padEnd(width)} ${place}`);
  const ideas = things(system, processes());
  if (ideas.length === 0) return;
  say('\nThree things to try:');
  for (const [index, idea] of ideas.entries()) say(`  ${index + 1}. ${idea}`);
  say('\nCtrl-C stops everything.');
}

function things({ endpoints, simulated }: System, processes: Record<string, number>): string[] {
  const gateway = endpoints.gateway?.url;
  const console = endpoints.console?.url;
  const [desk, rms] = [simulated['council-social-care'], simulated['police-records']];
  const ask = (organisation: string) =>
    `curl -sH "authorization: Bearer $(npm run -s token -- ${organisation})" "${gateway}/v1/events?wait=10"`;
  const show = (what: string, port: number, path: string) =>
    `\n     ${what}: curl -s http://${LOOPBACK}:${port}/${path}`;
  return [
    ...(desk && rms
      ? [
          `Follow a report of the police to the council's desk, and what the council says of it back:${show('desk', desk, '')}${show('police', rms, 'updates')}`,
        ]
      : []),
    ...(gateway ? [`What the council gets to see, and only that:\n     ${ask('westshire-council')}`] : []),
    ...(console
      ? [`How much flows and how far behind anybody is: ${console} (log in as operator, password causeway)`]
      : []),
    ...(processes.exchange
      ? [`Kill a part and watch it come back with nothing lost: kill -9 ${processes.exchange}`]
      : []),
  ].slice(0, 3);
}

/** One orderly stop, however often it is asked for; a later second signal gives up on order. */
function onSignals(stop: (reason: string) => void) {
  let first = 0;
  const ask = (reason: string) => {
    if (first && Date.now() - first > SAME_WISH_MS) process.exit(1);
    if (first) return;
    first = Date.now();
    stop(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ask(signal));
  // An npm that was killed cannot pass anything on; and where a shell stands between, it never does.
  if (process.env.npm_lifecycle_event) {
    const ancestors = [process.pid, process.ppid].map((pid) => ({ pid, parent: parentOf(pid) }));
    const orphaned = () => ancestors.some(({ pid, parent }) => parentOf(pid) !== parent);
    setInterval(() => orphaned() && ask('npm ended'), PARENT_CHECK_MS).unref();
  }
}

/** Runs until somebody or something ends it, and throws what that was. */
async function main(): Promise<never> {
  const options = readOptions();
  const home = homeOf(process.env);
  const stopping = new AbortController();
  const ended = new Promise<number>((resolve) => {
    onSignals((reason) => {
      say(`\nstopping (${reason}) …`);
      stopping.abort(reason);
      resolve(0);
    });
    stopping.signal.addEventListener('abort', () =>
      resolve(stopping.signal.reason instanceof PartFailed ? 1 : 0),
    );
  });
  if (options.fresh) throwAway(home);
  say('starting Kafka, the schema registry, PostgreSQL, the OpenID provider and the services …');
  const system = await startSystem(
    {
      home,
      environment: process.env,
      simulators: options.simulators,
      agreementsDir: agreementsOf(process.env),
      say: (line) => say(`· ${line}`),
      onFailed: (error) => stopping.abort(error),
    },
    stopping.signal,
  );
  announce(system, home);
  await ended;
  await system.stop();
  throw stopping.signal.reason;
}

// Whoever read our output may be gone, which is no reason to leave everything running.
process.stdout.on('error', () => undefined);
try {
  await main();
} catch (reason) {
  if (typeof reason === 'string') say('stopped');
  else if (reason instanceof CannotStart || reason instanceof PartFailed) say(reason.message);
  else say(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  process.exit(typeof reason === 'string' ? 0 : 1);
}
