/** What the council's own database knows of a person, asked by number: for the files, which know little of whom their rows are about. */
import { ATTRIBUTE_FORMS } from '@causeway/runtime/bus/envelope';
import { RetryableError } from '@causeway/runtime/errors';
import { PERSONS, uniquePeople } from './page-work.ts';
import type { KnownPerson } from './person.ts';
import type { ReportingDatabase, ReportingQuery } from './reporting-database.ts';
import type { Row } from './row.ts';
import { RESTRICTED_PEOPLE, VIEWS } from './views.ts';

export type IndexedPerson = {
  person: KnownPerson | undefined;
  /** Where the person is must not go out. */
  shielded: boolean;
  /** Organisations that must not be told of the person, or `all`. */
  exclude: readonly string[];
};

/** @throws RetryableError where the database cannot be asked: nothing may be told of a person who may be protected */
export type PersonIndex = (personIds: readonly string[]) => Promise<Map<string, IndexedPerson>>;

export const createPersonIndex =
  (reading: ReportingDatabase, queryOf: (name: string) => ReportingQuery): PersonIndex =>
  async (personIds) => {
    const ids = [...new Set(personIds)];
    if (ids.length === 0) return new Map();
    const people = new Map(
      uniquePeople(await reading.withKeys(queryOf(PERSONS), 'person_id', ids)).map((one) => [
        one.personId,
        one,
      ]),
    );
    const restricted = new Set<string>();
    const exclude = new Map<string, Set<string>>();
    for (const { name } of VIEWS)
      for (const row of await rowsOf(reading, queryOf(name), ids)) {
        const { person_id: id } = row;
        if (typeof id !== 'string') continue;
        const names = excludedIn(row);
        if (name === RESTRICTED_PEOPLE) {
          restricted.add(id);
          if (WITHHOLDING.test(row.restriction ?? '')) names.push('all');
        }
        for (const one of names) exclude.set(id, (exclude.get(id) ?? new Set()).add(one));
      }
    return new Map(
      ids.map((id) => [
        id,
        {
          person: people.get(id),
          shielded: restricted.has(id) || (people.get(id)?.shielded ?? false),
          exclude: [...(exclude.get(id) ?? [])],
        },
      ]),
    );
  };

/** Kinds of restriction under which nothing at all is told. */
const WITHHOLDING = /^(processing-restricted|objection-upheld)$/i;

/** A view that a council does not have says nothing of anybody. */
const rowsOf = async (
  reading: ReportingDatabase,
  query: ReportingQuery,
  ids: readonly string[],
): Promise<Row[]> => {
  try {
    return await reading.withKeys(query, 'person_id', ids);
  } catch (error) {
    if (error instanceof RetryableError && error.code === 'view-missing') return [];
    throw error;
  }
};

/** What is no name of an organisation could be meant for any of them. */
const excludedIn = (row: Row): string[] => {
  const names = (row.exclude ?? '').split(/[\s,]+/).filter(Boolean);
  return names.every((one) => ATTRIBUTE_FORMS.organisation.test(one)) ? names : ['all'];
};
