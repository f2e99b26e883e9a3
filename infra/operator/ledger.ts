import { once } from 'node:events';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AUDIT_LEDGER_TOPIC, CHECKPOINTS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import { readAgreements } from '@causeway/runtime/ledger/audit-ledger';
import { createAnchors, openCheckpoint, splitNotes } from '@causeway/runtime/ledger/checkpoint';
import { type ExportedRecord, exportLines, verifyExport } from '@causeway/runtime/ledger/export';
import { type LedgerRecord, parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import { isPack, verifyPack } from '@causeway/runtime/ledger/proof-pack';
import { createNoteSigner, type NoteSigner, noteVerifiers } from '@causeway/runtime/ledger/signed-note';
import { createVerification, type WholeChain } from '@causeway/runtime/ledger/verify-chain';
import { loadConfig, secrets, text } from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { clusterSettings, isNamed, loadConnections } from '../common/connections.ts';
import { readSecret } from '../common/secrets.ts';
import { CannotStart, homeOf } from '../common/settings.ts';
import { organisationsOnBus } from '../deploy/partnership.ts';
import { runCommand } from './command.ts';

const USAGE = `npm run ledger -- verify [<file>] [--key <verifier key>]… [--checkpoints <folder>]
npm run ledger -- export <file>
npm run ledger -- show <event id>`;
const PROGRESS_EVERY = 100_000;

const say = (line: string) => process.stdout.write(`${line}\n`);
/** Of the local system; what it keeps says nothing about a system that the environment names. */
const home = isNamed(process.env) ? undefined : homeOf(process.env);

type Options = { key?: string[] | undefined; checkpoints?: string | undefined };

const folderOf = ({ checkpoints }: Options): string | undefined =>
  checkpoints ?? process.env.CHECKPOINT_DIR ?? (home && join(home, 'checkpoints'));

/** The keys that the console has published, one a line, so that a forger's own key is not taken for one. */
function publishedKey(options: Options): string | undefined {
  if (options.key) return options.key.join('\n');
  const path = join(folderOf(options) ?? '', 'verifier.txt');
  return folderOf(options) && existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

function progress(records: number): void {
  if (records % PROGRESS_EVERY === 0) say(`… ${records} records`);
}

function sayWhole(chains: readonly WholeChain[]): void {
  for (const { name, first, records, head } of chains)
    say(`${name}: ${records} records, head ${head}${first > 0 ? `, kept from record ${first} on` : ''}`);
}

/** How a file begins, which tells a proof pack from an export without reading all of it. */
function startOf(path: string): string {
  if (!existsSync(path)) throw new CannotStart(`There is no file ${path}.`);
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(16);
  const length = readSync(file, bytes);
  closeSync(file);
  return bytes.toString('utf8', 0, length);
}

function verifyPackFile(path: string, options: Options): number {
  const key = publishedKey(options);
  const { problems, decisions, signedBy } = verifyPack(readFileSync(path, 'utf8'), key);
  for (const problem of problems) say(`${path}: ${problem}`);
  if (!key)
    say(
      'The key is the one that the pack names itself. Compare it with the published one, or name it with --key.',
    );
  const what = `proof pack with ${decisions} decisions`;
  say(problems.length === 0 ? `${what}: as ${signedBy} signed it` : `${what}: ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

async function verifyFile(path: string, options: Options): Promise<number> {
  if (isPack(startOf(path))) return verifyPackFile(path, options);
  const key = publishedKey(options);
  const report = await verifyExport(linesOf(path), key, progress);
  for (const { line, where, problem } of report.problems)
    say(`${path}, line ${line}${where ? `: ${where}` : ''}: ${problem}`);
  sayWhole(report.chains);
  if (!key)
    say(
      'The key is the one that the export names itself. Compare it with the published one, or name it with --key.',
    );
  if (report.signedBy === null)
    say('The end of this export is not signed: what follows the last checkpoint is as its writer says.');
  return summarise(report.records, report.checkpoints, report.problems.length);
}

function summarise(records: number, checkpoints: number, problems: number): number {
  const what = `${records} records against ${checkpoints} checkpoints`;
  say(problems === 0 ? `${what}: every chain whole` : `${what}: ${problems} problems`);
  return problems === 0 ? 0 : 1;
}

/** Lines are cut at line feeds alone: a record may hold any other character. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  if (!existsSync(path)) throw new CannotStart(`There is no file ${path}.`);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield rest;
}

type Ledgers = { reader: Reader; topics: string[] };

async function withLedgers<T>(use: (ledgers: Ledgers) => Promise<T>): Promise<T> {
  const options = kafkaOptions(loadConnections(clusterSettings), 'ledger');
  const kafka = connectKafka(options, createLogger('ledger', 'error'));
  try {
    const reader = kafka.reader();
    const organisations = [...(await organisationsOnBus(reader)).keys()];
    const topics = [AUDIT_LEDGER_TOPIC, ...organisations.map((id) => topicsOf(id).ledger)].sort();
    return await use({ reader, topics });
  } finally {
    await kafka.close();
  }
}

type Placed = { topic: string; partition: number; offset: number; value: Buffer | null };

async function* recordsOf({ reader, topics }: Ledgers): AsyncGenerator<Placed> {
  for (const topic of topics) {
    const partitions = await reader.partitionCount(topic);
    for (let partition = 0; partition < partitions; partition += 1)
      for await (const { offset, value } of readToEnd(reader, { topic, partition }, 0))
        yield { topic, partition, offset, value };
  }
}

/** Those that are kept outside the cluster first: what was deleted or changed inside is found by them. */
async function checkpointNotes({ reader }: Ledgers, options: Options): Promise<string[]> {
  const folder = folderOf(options);
  const files =
    folder && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.notes')) : [];
  const notes = new Set(
    files.sort().flatMap((name) => splitNotes(readFileSync(join(folder ?? '', name), 'utf8'))),
  );
  for await (const { value } of readToEnd(reader, { topic: CHECKPOINTS_TOPIC, partition: 0 }, 0))
    if (value) notes.add(value.toString('utf8'));
  return [...notes];
}

async function verifyKafka(options: Options): Promise<number> {
  return withLedgers(async (ledgers) => {
    const key = publishedKey(options);
    const anchors = createAnchors();
    let [problems, records, checkpoints] = [0, 0, 0];
    for (const note of key ? await checkpointNotes(ledgers, options) : []) {
      const opened = openCheckpoint(note, noteVerifiers(key ?? ''));
      checkpoints += 1;
      if (!('problem' in opened)) anchors.add(opened);
      else {
        problems += 1;
        say(`a checkpoint: ${opened.problem}`);
      }
    }
    if (!key) say('No checkpoint is checked: there is no key. Name the published one with --key.');
    const verification = createVerification(anchors);
    for await (const { topic, partition, offset, value } of recordsOf(ledgers)) {
      const problem = verification.take(topic, partition, value);
      if (problem) {
        problems += 1;
        say(`${problem.name}, offset ${offset}, sequence ${problem.sequence}: ${problem.problem}`);
      }
      records += 1;
      progress(records);
    }
    for (const { name, sequence, problem } of verification.finish()) {
      problems += 1;
      say(`${name}, sequence ${sequence}: ${problem}`);
    }
    sayWhole(verification.whole());
    return summarise(records, checkpoints, problems);
  });
}

/** The end is signed where the machine has the key, as it has with `npm start` and in the console's container. */
function signerHere(): NoteSigner | undefined {
  const settings = { CHECKPOINT_KEY: secrets('signs').optional(), CHECKPOINT_NAME: text('causeway') };
  const { CHECKPOINT_KEY: given, CHECKPOINT_NAME: name } = loadConfig(settings);
  const kept = home ? readSecret(join(home, 'secrets'), 'checkpoint-key') : null;
  const seeds = given ?? kept?.split(',');
  return seeds ? createNoteSigner(name, seeds) : undefined;
}

async function exportTo(path: string, options: Options): Promise<number> {
  return withLedgers(async (ledgers) => {
    const signer = signerHere();
    const verifierKey = publishedKey(options) ?? signer?.verifierKeys.join('\n');
    if (!verifierKey)
      throw new CannotStart(`There is no key at ${folderOf(options)}; name the published one with --key.`);
    const file = createWriteStream(path, { flags: 'wx' });
    await once(file, 'open').catch((error: NodeJS.ErrnoException) => {
      throw new CannotStart(
        `${path} cannot be written: ${error.code === 'EEXIST' ? 'it is there already' : error.code}`,
      );
    });
    let records = 0;
    // Checkpoints before records: so the records hold at least what a checkpoint has counted.
    const notes = await checkpointNotes(ledgers, options);
    const counted = async function* (): AsyncGenerator<ExportedRecord> {
      for await (const { topic, partition, value } of recordsOf(ledgers)) {
        records += 1;
        yield { topic, partition, value: value ?? Buffer.alloc(0) };
      }
    };
    const by = { verifierKey, ...(signer ? { signer } : {}) };
    for await (const line of exportLines(counted(), notes, by))
      if (!file.write(`${line}\n`)) await once(file, 'drain');
    file.end();
    await once(file, 'finish');
    say(`${records} records and ${notes.length} checkpoints written to ${path}`);
    return 0;
  });
}

/** A record that was spoilt is for `verify` to name; it hides no other. */
function readable(value: Buffer): LedgerRecord | null {
  try {
    return parseLedgerRecord(value);
  } catch {
    return null;
  }
}

async function show(eventId: string): Promise<number> {
  return withLedgers(async (ledgers) => {
    const agreements = await readAgreements(ledgers.reader);
    const wanted = Buffer.from(eventId);
    let found = 0;
    for await (const { topic, partition, offset, value } of recordsOf(ledgers)) {
      if (topic === AUDIT_LEDGER_TOPIC || !value?.includes(wanted)) continue;
      const record = readable(value);
      if (record?.kind !== 'decision' || record.eventId !== eventId) continue;
      found += 1;
      say(`${topic}/${partition}, offset ${offset}, sequence ${record.sequence}`);
      say(JSON.stringify(record, null, 2));
      for (const { recipient, outcome, reason, agreements: references } of record.decisions) {
        say(`${recipient}: ${outcome}${reason ? ` (${reason})` : ''}`);
        for (const reference of references) {
          const version = agreements.versions.get(reference)?.record;
          if (!version) continue;
          const { title, purpose, gateways } = version.agreement;
          say(`  ${reference}: ${title}; purpose ${purpose}; legal gateways ${gateways.join(', ')}`);
          if (outcome === 'released')
            say(`  fields: ${version.release[record.type]?.leaves.join(', ') ?? '(not in it)'}`);
        }
      }
    }
    if (found === 0) say(`No ledger has a decision on the event ${eventId}.`);
    return found === 0 ? 1 : 0;
  });
}

await runCommand(async (args) => {
  const { values, positionals } = parseArgs({
    // An event id may begin with a hyphen, like an option.
    args: args[0] === 'show' ? ['show', '--', ...args.slice(1)] : args,
    allowPositionals: true,
    options: { key: { type: 'string', multiple: true }, checkpoints: { type: 'string' } },
  });
  const [command, target, ...rest] = positionals;
  if (rest.length === 0 && command === 'verify')
    return target ? verifyFile(target, values) : verifyKafka(values);
  if (rest.length === 0 && command === 'export' && target) return exportTo(target, values);
  if (rest.length === 0 && command === 'show' && target) return show(target);
  throw new CannotStart(`Usage: ${USAGE}`);
});
