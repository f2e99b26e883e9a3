/** What every view reads of a row. */
import { ATTRIBUTE_FORMS } from '@causeway/runtime/bus/envelope';
import { badRow, FUTURE, type Row, requiredText, textOf } from './row.ts';
import type { EventName, FactKind, OpenCase, Stated } from './stated.ts';

/** Optional in every view: the case's own name where the row id is not it, and who must not be told. */
export const EVERYWHERE = ['case_reference', 'exclude'];

const excluded = (row: Row): string[] => {
  const named = (textOf(row, 'exclude') ?? '').split(/[\s,]+/).filter(Boolean);
  if (!named.every((one) => ATTRIBUTE_FORMS.organisation.test(one))) throw badRow('unknown-code', 'exclude');
  return named;
};

const FORM = /^[A-Za-z0-9._:/-]{1,100}$/;

export const base = (row: Row, prefix: string): Pick<Stated, 'personId' | 'caseReference' | 'exclude'> => {
  const caseReference = textOf(row, 'case_reference') ?? `${prefix}-${requiredText(row, 'row_id')}`;
  if (!FORM.test(caseReference)) throw badRow('bad-reference', 'case_reference');
  return { personId: requiredText(row, 'person_id'), caseReference, exclude: excluded(row) };
};

export const planned = (row: Row, column: string): boolean => textOf(row, column) === FUTURE;

export const opened = (reason: string, since: string, until: string | null): OpenCase => {
  if (until !== null && until < since) throw badRow('ends-before-it-begins', 'end_date');
  return { reason, since, ...(until !== null && { until }) };
};

type Short<T> = T extends `uk.causeway.council.${infer Name}.v1` ? Name : never;
type Word<Verb extends string> =
  Short<EventName> extends infer N ? (N extends `${infer W}.${Verb}` ? W : never) : never;

const named = <const Name extends Short<EventName>>(name: Name) => `uk.causeway.council.${name}.v1` as const;

/**
 * A kind of fact by the words of its events' names: the event that says it, the one that withdraws it, also what `voids.fact`
 * calls it, and the one that corrects its case.
 */
export const factKind = (
  said: Short<EventName>,
  voided: Word<'voided'>,
  corrected: Word<'corrected'>,
  more: Pick<FactKind, 'handling' | 'places' | 'mother'> = {},
): FactKind => ({
  type: named(said),
  voided: named(`${voided}.voided`),
  corrected: named(`${corrected}.corrected`),
  called: voided,
  ...more,
});
