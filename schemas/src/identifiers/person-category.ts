import type { Person, PersonCategory } from '../generated/types.ts';

/**
 * Child until the eighteenth birthday; unknown where a partial date of birth leaves both possible.
 * @param at a date or time, of which the day counts
 */
export const personCategoryAt = (person: Pick<Person, 'dateOfBirth'>, at: string): PersonCategory => {
  const born = person.dateOfBirth?.value;
  if (born === undefined) return 'UNKNOWN';
  const birthday = `${Number(born.slice(0, 4)) + 18}${born.slice(4)}`;
  const day = at.slice(0, birthday.length);
  if (day === birthday && birthday.length < 10) return 'UNKNOWN';
  return day < birthday ? 'child' : 'adult';
};
