import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { agreementDifferences, type Expanded } from '@causeway/runtime/agreements/diff';
import {
  ChangeRefused,
  statusRecord,
  versionRecords,
  versionsOf,
} from '@causeway/runtime/agreements/lifecycle';
import { type PreviewedLeaf, previewAgreement } from '@causeway/runtime/agreements/preview';
import { createCodec } from '@causeway/runtime/avro/codec';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import { RetryableError } from '@causeway/runtime/errors';
import { connectKafka, type Kafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { openAuditLedger, readAgreements } from '@causeway/runtime/ledger/audit-ledger';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
  versionKey,
} from '@causeway/schemas/agreements/log';
import { describeProblem, parseAgreement } from '@causeway/schemas/agreements/parse';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { type EventType, loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { clusterSettings, connectionSettings, hasSystem, loadConnections } from '../common/connections.ts';
import { agreementsOf, CannotStart, organisationsOf } from '../common/settings.ts';
import { organisationsOnBus, readOrganisations } from '../deploy/partnership.ts';
import { runCommand } from './command.ts';

const USAGE = `npm run agreement -- check <file…>                        what is wrong with it; what recipients would see
npm run agreement -- diff <id> <version> <version or file>  (or diff <file> <file>)
npm run agreement -- list                                  what is loaded in the running system
npm run agreement -- activate <id>[/<version>] --reason …   (or activate <file>, which is loaded first)
npm run agreement -- suspend <id>[/<version>] --reason …
npm run agreement -- end <id>[/<version>] --reason …`;

const REGISTRY_PATIENCE_MS = 30_000;
const REGISTRY_AGAIN_MS = 500;
const log = createLogger('agreement', 'error');
const say = (line = '') => process.stdout.write(`${line}\n`);
const isFile = (name: string) => /\.(ya?ml|json)$/.test(name);

function read(path: string, catalogue: readonly EventType[]) {
  if (!existsSync(path)) throw new CannotStart(`There is no file ${path}.`);
  return parseAgreement(readFileSync(path, 'utf8'), path, catalogue);
}

function check(files: string[]): number {
  if (files.length === 0) throw new CannotStart(USAGE);
  const catalogue = loadCatalogue();
  const organisations = readOrganisations(organisationsOf(process.env)).map(({ id }) => id);
  const world = { catalogue, organisations, schemaIds: new Map(catalogue.map(({ type }) => [type, 0])) };
  let together = emptyState();
  let wrong = 0;
  for (const file of files) {
    const parsed = read(file, catalogue);
    if ('problems' in parsed) {
      for (const problem of parsed.problems) say(describeProblem(problem));
      wrong += 1;
      continue;
    }
    try {
      const author = { by: 'check', reason: 'check', at: '' };
      together = versionRecords(together, parsed.agreement, world, author).reduce(applyRecord, together);
      show(file, parsed.agreement, catalogue);
    } catch (error) {
      if (!(error instanceof ChangeRefused)) throw error;
      for (const problem of error.problems.length > 0 ? error.problems : [error.message])
        say(`${file}:1:1: ${problem}`);
      wrong += 1;
    }
  }
  return wrong === 0 ? 0 : 1;
}

function show(file: string, agreement: Agreement, catalogue: readonly EventType[]): void {
  const { from, to, status } = agreement;
  say(`${file}: ${versionKey(agreement)}, ${status}, ${from} to ${to.join(', ')}: nothing wrong`);
  for (const preview of previewAgreement(agreement, catalogue)) {
    say(
      `\n${preview.type} to ${preview.recipient}${preview.sibling ? ' (follows the type it corrects)' : ''}`,
    );
    if (!preview.meetsConditions) say('  the example does not meet the conditions, so it would be withheld');
    say('  sees');
    for (const leaf of preview.seen) say(`    ${leafText(leaf)}`);
    say('  withheld');
    for (const { path } of preview.withheld) say(`    ${path}`);
  }
  say();
}

function leafText({ path, form, value }: PreviewedLeaf): string {
  const shown = value === null ? '(not known in the example)' : JSON.stringify(value);
  return `${path}${form === 'exact' ? '' : ` as ${form}`}: ${shown}`;
}

type Source = { find(id: string, version: number): Promise<Expanded | undefined>; where: string };

/** Loaded versions of a running system first, otherwise what the folder of agreements holds. */
function versionsSource(catalogue: readonly EventType[]): Source {
  const running = hasSystem(process.env);
  const folder = agreementsOf(process.env);
  const fromFolder = (id: string, version: number) =>
    readdirSync(folder)
      .filter(isFile)
      .map((name) => read(join(folder, name), catalogue))
      .flatMap((parsed) => ('agreement' in parsed ? [parsed.agreement] : []))
      .filter((agreement) => agreement.id === id && agreement.version === version)
      .map((agreement) => expanded(agreement, catalogue))[0];
  return {
    where: running ? `the running system or ${folder}` : folder,
    find: async (id, version) => {
      if (!running) return fromFolder(id, version);
      const loaded = await withAgreements(({ state }) => state.versions.get(`${id}/${version}`)?.record);
      return loaded ?? fromFolder(id, version);
    },
  };
}

const expanded = (agreement: Agreement, catalogue: readonly EventType[]): Expanded => ({
  agreement,
  release: expandAgreement(agreement, catalogue).release,
});

async function diff(args: string[]): Promise<number> {
  const catalogue = loadCatalogue();
  const source = versionsSource(catalogue);
  const ofFile = (path: string): Expanded => expanded(agreementOf(path, catalogue), catalogue);
  const ofVersion = async (id: string, text: string): Promise<Expanded> => {
    const version = Number(text);
    if (!Number.isInteger(version)) throw new CannotStart(USAGE);
    const found = await source.find(id, version);
    if (!found) throw new CannotStart(`${source.where} has no version ${version} of ${id}.`);
    return found;
  };
  const [first = '', second = '', third] = args;
  if (args.length < 2 || args.length > 3) throw new CannotStart(USAGE);
  const before = third === undefined ? ofFile(first) : await ofVersion(first, second);
  const last = third ?? second;
  const after = isFile(last) ? ofFile(last) : await ofVersion(first, last);
  const differences = agreementDifferences(before, after);
  say(`${versionKey(before.agreement)} → ${versionKey(after.agreement)}`);
  for (const difference of differences)
    say(
      `  ${difference.effect.padEnd(8)}  ${difference.what}: ${difference.before || '(none)'} → ${difference.after || '(none)'}`,
    );
  if (differences.length === 0) say('  no difference');
  return 0;
}

type Opened = { kafka: Kafka; state: AgreementsState };

async function withAgreements<T>(use: (opened: Opened) => T | Promise<T>): Promise<T> {
  const kafka = connectKafka(kafkaOptions(loadConnections(clusterSettings), 'agreement'), log);
  try {
    return await use({ kafka, state: await readAgreements(kafka.reader()) });
  } finally {
    await kafka.close();
  }
}

async function list(): Promise<number> {
  await withAgreements(({ state }) => {
    for (const { record, status } of [...state.versions.values()].sort((a, b) =>
      versionKey(a.record) < versionKey(b.record) ? -1 : 1,
    ))
      say(
        `${versionKey(record)}  ${status}  ${record.agreement.from} → ${record.agreement.to.join(', ')}  until ${record.agreement.valid.until}  ${record.agreement.title}`,
      );
  });
  return 0;
}

const STATUS: Record<string, AgreementStatus> = { activate: 'active', suspend: 'suspended', end: 'ended' };

async function changeStatus(command: string, args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { reason: { type: 'string' }, by: { type: 'string' } },
  });
  const [target, ...rest] = positionals;
  const status = STATUS[command];
  if (!target || !status || rest.length > 0) throw new CannotStart(USAGE);
  if (!values.reason?.trim()) throw new CannotStart(`Say why with --reason "…": it is kept in the ledger.`);
  const file = command === 'activate' && isFile(target);
  if (!file && isFile(target)) throw new CannotStart(`Name the agreement, not a file: ${USAGE}`);
  // Before anything else is read, so that a system that is not there is named first.
  loadConnections(clusterSettings);
  const catalogue = loadCatalogue();
  const author = {
    by: values.by ?? userName(),
    reason: values.reason.trim(),
    at: new Date().toISOString(),
  };
  const agreement = file ? agreementOf(target, catalogue) : undefined;
  const schemaIds = agreement ? await schemaIdsOf(catalogue) : new Map<string, number>();
  const [id = '', version] = agreement ? [agreement.id, String(agreement.version)] : target.split('/');
  const change = { id, status, ...author, ...(version === undefined ? {} : { version: Number(version) }) };

  return withAgreements(async ({ kafka }) => {
    const organisations = agreement ? [...(await organisationsOnBus(kafka.reader())).keys()] : [];
    const world = { catalogue, schemaIds, organisations };
    const plan = (before: AgreementsState): AgreementRecord[] => {
      const loading =
        agreement && !before.versions.has(versionKey(agreement))
          ? versionRecords(before, { ...agreement, status: 'draft' }, world, author)
          : [];
      const loaded = loading.reduce(applyRecord, before);
      return [...loading, statusRecord(loaded, change, ukDate(new Date()))];
    };
    const ledger = openAuditLedger(kafka, log);
    try {
      const { records, state } = await ledger.change(plan);
      for (const record of records)
        say(
          record.kind === 'version'
            ? `${versionKey(record)} loaded`
            : `${versionKey(record)} is ${record.status} now; every service goes by it within a second`,
        );
      for (const { record, status: now } of versionsOf(state, id)) say(`  ${versionKey(record)}  ${now}`);
      return 0;
    } catch (error) {
      if (!(error instanceof ChangeRefused)) throw error;
      say(error.message);
      return 1;
    } finally {
      await ledger.close();
    }
  });
}

/** A container's user has no name. */
function userName(): string {
  try {
    return `command:${userInfo().username}`;
  } catch {
    throw new CannotStart('Say who you are with --by: it is kept in the ledger.');
  }
}

function agreementOf(file: string, catalogue: readonly EventType[]): Agreement {
  const parsed = read(file, catalogue);
  if ('problems' in parsed) throw new CannotStart(parsed.problems.map(describeProblem).join('\n'));
  return parsed.agreement;
}

/** The event schemas as the registry knows them. */
async function schemaIdsOf(catalogue: readonly EventType[]): Promise<Map<string, number>> {
  const { SCHEMA_REGISTRY_URL: registryUrl } = loadConnections(connectionSettings.registry);
  const codec = createCodec({ registryUrl }, log);
  const deadline = Date.now() + REGISTRY_PATIENCE_MS;
  const ids = new Map<string, number>();
  // One at a time: all types at once keep a small registry busy for longer than one answer may take.
  for (const { type, schema } of catalogue) {
    while (!ids.has(type)) {
      try {
        ids.set(type, await codec.idOf(type, schema));
      } catch (error) {
        if (!(error instanceof RetryableError) || Date.now() > deadline) throw error;
        await delay(REGISTRY_AGAIN_MS);
      }
    }
  }
  return ids;
}

await runCommand(async ([command = '', ...args]) => {
  if (command === 'check') return check(args);
  if (command === 'diff') return diff(args);
  if (command === 'list') return list();
  if (Object.hasOwn(STATUS, command)) return changeStatus(command, args);
  throw new CannotStart(USAGE);
});
