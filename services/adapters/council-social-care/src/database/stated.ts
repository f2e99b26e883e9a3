/** What a row of a view states: the facts of a case, and whether it is open. */

import type { SafeguardKind } from '@causeway/runtime/reference-data/safeguards';
import type { EventData } from '@causeway/schemas/generated/types';
import type { Row } from './row.ts';

export type EventName = keyof EventData;

/** The events that say a fact, withdraw it and correct it. Where the catalogue has no withdrawal, a correction says that nothing is known. */
export type FactKind = {
  type: EventName;
  voided?: EventName;
  /** Says how the case stands now: one event for all facts of a row that have the same type here. */
  corrected: EventName;
  /** How `voids.fact` calls it. */
  called: string;
  handling?: readonly string[];
  /** Members that say where the person is: null where that is shielded. */
  places?: readonly string[];
  /** Its data has the mother of an unborn child. */
  mother?: true;
};

export type Values = Readonly<Record<string, string | boolean | null>>;

export type StatedFact = {
  /** The key of its kind in the view. */
  name: string;
  occurredAt: string;
  /** Members of the event's data. Where one of them changes, what was said before was wrong. */
  essential: Values;
  /** Further members, said as they are when the fact is said. */
  further?: Values;
  /** Members of the event that withdraws it, besides those that every withdrawal has. */
  withdrawal: Values;
  inResponseTo?: string;
};

/** Why and since when the council knows the person. */
export type OpenCase = { reason: string; since: string; until?: string };

export type Stated = {
  personId: string;
  caseReference: string;
  facts: readonly StatedFact[];
  /** Absent where the row gives no reason to know the person. */
  case?: OpenCase;
  shields?: SafeguardKind;
  /** Of an unborn child the mother, whom others meet. */
  motherId?: string;
  /** A reference of the case that several rows share, for the chain of events. */
  chain?: string;
  /** Organisations that must not be told, or `all`. */
  exclude: readonly string[];
};

export type View = {
  /** Also the name of its query file. */
  name: string;
  /** Those that the query must give, besides `row_id`, `person_id` and `changed_at`. */
  required: readonly string[];
  /** Those that it may give. */
  optional: readonly string[];
  /** Columns of dates that count only once they have come. */
  planned: readonly string[];
  facts: Readonly<Record<string, FactKind>>;
  /** @throws PermanentError for a row with a value that cannot be what its column is for */
  state(row: Row): Stated;
};
