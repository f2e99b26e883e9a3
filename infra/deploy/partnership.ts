import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORGANISATIONS_TOPIC } from '@causeway/runtime/bus/topics';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { parse } from 'yaml';
import { CannotStart } from '../common/settings.ts';

const isYaml = (name: string) => name.endsWith('.yaml') || name.endsWith('.yml');

/**
 * Names of the files in a folder that are YAML, in order.
 * @throws CannotStart where there is no such folder
 */
export function yamlFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter(isYaml).sort();
  } catch {
    throw new CannotStart(`The folder ${directory} cannot be read.`);
  }
}

/** @throws CannotStart for a file that does not describe an organisation */
export function readOrganisations(directory: string): Organisation[] {
  return yamlFiles(directory).map((file) => {
    const value: Partial<Organisation> | null = parse(readFileSync(join(directory, file), 'utf8'));
    const complete =
      value?.id !== undefined &&
      value.name &&
      value.kind &&
      Array.isArray(value.dutyContacts) &&
      Array.isArray(value.handlingAccepted);
    if (!complete) {
      throw new CannotStart(
        `${join(directory, file)}: an organisation has id, name, kind, handlingAccepted and dutyContacts.`,
      );
    }
    if (`${value.id}.yaml` !== file && `${value.id}.yml` !== file) {
      throw new CannotStart(
        `${join(directory, file)}: the file must be named after the organisation, ${value.id}.yaml.`,
      );
    }
    return value as Organisation;
  });
}

/**
 * Reads every agreement of a folder. All of it must be right: a start with half of the agreements would
 * withhold what people count on, or release by an older version than they believe.
 * @throws CannotStart listing every problem with its file, line and column
 */
export function readAgreements(
  directory: string,
  catalogue: readonly EventType[],
  organisations: readonly string[],
): Agreement[] {
  const problems: string[] = [];
  const agreements: Agreement[] = [];
  const seen = new Map<string, string>();
  for (const file of yamlFiles(directory)) {
    const path = join(directory, file);
    const parsed = parseAgreement(readFileSync(path, 'utf8'), file, catalogue);
    if ('problems' in parsed) {
      problems.push(
        ...parsed.problems.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`),
      );
      continue;
    }
    const { agreement } = parsed;
    const key = `${agreement.id}/${agreement.version}`;
    const other = seen.get(key);
    if (other) problems.push(`${path}: ${key} is in ${other} too`);
    seen.set(key, file);
    for (const party of [agreement.from, ...agreement.to]) {
      if (!organisations.includes(party)) problems.push(`${path}: there is no organisation ${party}`);
    }
    agreements.push(agreement);
  }
  if (problems.length > 0)
    throw new CannotStart(`The agreements cannot be loaded:\n  ${problems.join('\n  ')}`);
  return agreements;
}

/** The organisations that a system has now: their records as text, by id. */
export async function organisationsOnBus(reader: Reader): Promise<Map<string, string>> {
  const records = new Map<string, string>();
  for await (const { key, value } of readToEnd(reader, { topic: ORGANISATIONS_TOPIC, partition: 0 }, 0)) {
    const id = key?.toString() ?? '';
    if (value === null) records.delete(id);
    else records.set(id, value.toString());
  }
  return records;
}
