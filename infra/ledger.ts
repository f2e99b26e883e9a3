import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connectKafka } from '@causeway/runtime/kafka';
import { type ChainState, emptyChain, verifyRecord } from '@causeway/runtime/ledger';
import { createLogger } from '@causeway/runtime/log';
import { type Reader, readToEnd } from '@causeway/runtime/reader';
import { CannotStart, homeOf } from './local/settings.ts';
import { connectionsPath } from './local/system.ts';

const USAGE = 'npm run ledger -- verify [<file>] | export <file>';
const PROGRESS_EVERY = 100_000;

/** One line of an export: the value is the record's JSON text, byte for byte. */
type Line = { topic: string; partition: number; offset: number; value: string };
type Source = AsyncIterable<Line>;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function* fromFile(path: string): Source {
  if (!existsSync(path)) throw new CannotStart(`There is no file ${path}.`);
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (text === '') continue;
    let line: Line;
    try {
      line = JSON.parse(text);
    } catch {
      throw new CannotStart(`${path}, line ${number}: not a line of a ledger export`);
    }
    yield line;
  }
}

async function* fromKafka(reader: Reader, topics: string[]): Source {
  for (const topic of topics) {
    const partitions = await reader.partitionCount(topic);
    for (let partition = 0; partition < partitions; partition += 1)
      for await (const { offset, value } of readToEnd(reader, { topic, partition }, 0))
        yield { topic, partition, offset, value: value?.toString('utf8') ?? '' };
  }
}

type Connections = {
  KAFKA_BROKERS: string;
  KAFKA_USERNAME: string;
  KAFKA_PASSWORD: string;
  organisations: string[];
};

function readConnections(home: string): Connections {
  try {
    return JSON.parse(readFileSync(connectionsPath(home), 'utf8'));
  } catch {
    throw new CannotStart(
      'Causeway does not run; start it with npm start in another terminal, or name an export to verify.',
    );
  }
}

async function withLedgers<T>(use: (source: Source) => Promise<T>): Promise<T> {
  const connections = readConnections(homeOf(process.env));
  const kafka = connectKafka(
    {
      brokers: connections.KAFKA_BROKERS.split(','),
      username: connections.KAFKA_USERNAME,
      password: connections.KAFKA_PASSWORD,
      clientId: 'ledger',
    },
    createLogger('ledger', 'error'),
  );
  try {
    return await use(
      fromKafka(
        kafka.reader(),
        connections.organisations.map((id) => `ledger.${id}`),
      ),
    );
  } finally {
    await kafka.close();
  }
}

/** Checks every chain to its end and says where each bad one breaks. Answers with how many are bad. */
async function verify(source: Source): Promise<number> {
  const chains = new Map<string, ChainState>();
  const broken = new Map<string, string>();
  let records = 0;
  for await (const { topic, partition, offset, value } of source) {
    const name = `${topic}/${partition}`;
    records += 1;
    if (records % PROGRESS_EVERY === 0) say(`… ${records} records`);
    if (broken.has(name)) continue;
    const result = verifyRecord(chains.get(name) ?? emptyChain(), Buffer.from(value, 'utf8'), {
      topic,
      partition,
    });
    if ('problem' in result) {
      broken.set(name, result.problem);
      say(`${name}, offset ${offset}: ${result.problem}`);
    } else chains.set(name, result.chain);
  }
  for (const [name, { head, sequence }] of [...chains].sort())
    if (!broken.has(name)) say(`${name}: ${sequence} records, head ${head.toString('base64url')}`);
  say(
    broken.size === 0
      ? `${records} records, every chain whole`
      : `${records} records, ${broken.size} chains broken`,
  );
  return broken.size;
}

async function exportTo(path: string, source: Source): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx' });
  await once(file, 'open').catch((error: NodeJS.ErrnoException) => {
    throw new CannotStart(
      `${path} cannot be written: ${error.code === 'EEXIST' ? 'it is there already' : error.code}`,
    );
  });
  let records = 0;
  for await (const line of source) {
    records += 1;
    if (!file.write(`${JSON.stringify(line)}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  say(`${records} records written to ${path}`);
}

async function main([command, path, ...rest]: string[]): Promise<number> {
  if (rest.length === 0 && command === 'verify') return path ? verify(fromFile(path)) : withLedgers(verify);
  if (rest.length === 0 && command === 'export' && path) {
    await withLedgers((source) => exportTo(path, source));
    return 0;
  }
  throw new CannotStart(`Usage: ${USAGE}`);
}

try {
  process.exitCode = (await main(process.argv.slice(2))) === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
