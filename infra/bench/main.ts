import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAdapters } from './adapters.ts';
import { benchExchange } from './exchange.ts';
import { benchGateway } from './gateway.ts';
import { benchMesh } from './mesh.ts';
import { benchMllp } from './mllp.ts';
import { benchPolice } from './police.ts';
import { print } from './report.ts';
import { benchScale } from './scale.ts';
import { benchWebhooks } from './webhooks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '8' },
    rate: { type: 'string', default: '200' },
    day: { type: 'string', default: '5000' },
    'no-peers': { type: 'boolean', default: false },
    'no-latency': { type: 'boolean', default: false },
    cells: { type: 'string', default: '' },
  },
});

const BENCHES = {
  exchange: () =>
    benchExchange({
      rounds: Number(values.rounds),
      minutes: Number(values.minutes),
      peers: !values['no-peers'],
      latency: !values['no-latency'],
    }),
  gateway: () =>
    benchGateway({
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      peers: !values['no-peers'],
    }),
  webhooks: () =>
    benchWebhooks({
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      peers: !values['no-peers'],
    }),
  mllp: () =>
    benchMllp({
      seconds: Number(values.seconds),
      minutes: Number(values.minutes),
      peers: !values['no-peers'],
    }),
  mesh: () => benchMesh({ seconds: 60, rate: 100 }),
  police: () => benchPolice({ seconds: 60, rate: Number(values.rate) }),
  adapters: () => benchAdapters({ seconds: Number(values.seconds), day: Number(values.day) }),
  scale: () => benchScale(values.cells.split(' ').filter(Boolean)),
} as const;
type Name = keyof typeof BENCHES;

const isName = (text: string): text is Name => Object.hasOwn(BENCHES, text);

const unknown = positionals.filter((text) => !isName(text));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no benchmark "${unknown[0]}"; there are ${Object.keys(BENCHES).join(', ')}.\n`,
  );
  process.exit(2);
}
// Scale takes ten minutes, and is asked for by name.
const everyday = (Object.keys(BENCHES) as Name[]).filter((name) => name !== 'scale');
const names = positionals.length > 0 ? positionals.filter(isName) : everyday;
print(
  `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Read the ratios: rates differ from machine to machine and hour to hour.`,
);
for (const name of names) {
  print(`\n# ${name}`);
  await BENCHES[name]();
}
process.exit();
