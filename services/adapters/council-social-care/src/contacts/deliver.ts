/** Puts one event into the staging table, and says what came of it. */

import type { SinkOutcome } from '@causeway/runtime/adapter/sink';
import type { Attempt } from '@causeway/runtime/delivery/subscription';
import { errorCode, isPermanent } from '@causeway/runtime/errors';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { contactRow, correctsOf, type KnownEventType } from './contact.ts';
import type { ContactTable } from './table.ts';

/** Makes the `deliver` of the sink. */
export const createDeliver = (
  table: Pick<ContactTable, 'put' | 'problems'>,
): ((attempt: Attempt) => Promise<SinkOutcome>) => {
  const known = new Map<string, KnownEventType>(loadCatalogue().map(({ type, ...entry }) => [type, entry]));
  return async (attempt) => {
    const of = known.get(attempt.event.type) ?? { title: attempt.event.type, siblingOf: [] };
    try {
      await table.put(contactRow(attempt, of), correctsOf(attempt, of));
      // Nobody has seen it yet: that is for the council's people to say.
      return { outcome: 'delivered' };
    } catch (error) {
      return outcomeOf(error, table);
    }
  };
};

/**
 * A database that is away, or a table that is not as it must be, is mended by somebody and uses up no try. What the table refuses
 * although it is as it must be, it will refuse again.
 */
const outcomeOf = async (error: unknown, table: Pick<ContactTable, 'problems'>): Promise<SinkOutcome> => {
  const away: SinkOutcome = { outcome: 'unreachable', code: 'council-database-unavailable' };
  if (!isPermanent(error)) return away;
  const problems = await table.problems().catch(() => undefined);
  if (problems === undefined) return away;
  if (problems.length > 0) return { outcome: 'unreachable', code: 'contact-table' };
  return { outcome: 'refused', code: 'row-refused', status: errorCode(error) };
};
