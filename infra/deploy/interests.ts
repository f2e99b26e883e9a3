import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDays } from '@causeway/runtime/bus/person-record';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import { interestRecord, MAX_INTEREST_DAYS } from '@causeway/runtime/reference-data/interests';
import { parse } from 'yaml';
import { CannotStart } from '../common/settings.ts';
import { yamlFiles } from './partnership.ts';

/** Some of the people whom an organisation of the example partnership knows from the start; nobody in it exists. */
type Group = { writer: string; reason: string; since: string; nhsNumbers: string[] };

type ExampleInterests = { organisation: string; groups: Group[] };

/**
 * One file per organisation, named after it.
 * @throws CannotStart for a file that is not as it must be
 */
export function readExampleInterests(directory: string): ExampleInterests[] {
  return yamlFiles(directory).map((file) => {
    const groups: Partial<Group>[] = parse(readFileSync(join(directory, file), 'utf8'));
    const complete =
      Array.isArray(groups) &&
      groups.every(
        ({ writer, reason, since, nhsNumbers }) => writer && reason && since && nhsNumbers?.length,
      );
    if (!complete) {
      throw new CannotStart(
        `${join(directory, file)}: a list of people by writer, reason, since and nhsNumbers.`,
      );
    }
    return { organisation: file.replace(/\.ya?ml$/, ''), groups: groups as Group[] };
  });
}

/**
 * The records that say so on the bus. Each start renews them, so that they never expire while somebody tries things out.
 * @throws PermanentError `invalid-interest`, `invalid-identifier`
 */
export function exampleInterestRecords(
  interests: readonly ExampleInterests[],
  organisations: readonly string[],
  partnershipKey: string,
  now: Date,
): KafkaRecord[] {
  const tokeniser = createTokeniser(Buffer.from(partnershipKey, 'utf8'));
  const today = ukDate(now);
  return interests
    .filter(({ organisation }) => organisations.includes(organisation))
    .flatMap(({ organisation, groups }) =>
      groups.flatMap(({ writer, reason, since, nhsNumbers }) =>
        nhsNumbers.map((number, index) =>
          interestRecord(
            organisation,
            {
              writer,
              reference: `${reason}-${index + 1}`,
              reason,
              since,
              expires: addDays(today, MAX_INTEREST_DAYS),
              tokens: [tokeniser.nhs(number)],
            },
            today,
          ),
        ),
      ),
    );
}
