/** Rows of SSDA903 files, as far as events are made of them. A reason names columns and never their values. */
import { ATTRIBUTE_FORMS } from '@causeway/runtime/bus/envelope';
import { checkPostcode } from '@causeway/schemas/identifiers/places';
import { checkUpn } from '@causeway/schemas/identifiers/upn';
import { addDays, dateOf, isNoDate } from './dates.ts';
import { isReadable, UNREADABLE_CHARACTERS } from './encoding.ts';
import type { Layout } from './ssda903-files.ts';
import type { Case, Child, Values } from './stated.ts';

type Read =
  | { kind: 'case'; stated: Case; notes: string[]; child?: Child }
  | { kind: 'child'; child: Child; notes: string[] }
  | { kind: 'nothing' }
  | { kind: 'refused'; reason: string; unread?: true };

/** Nothing in the row can be trusted to stand in its column. */
const unread = (reason: string): Read => ({ kind: 'refused', reason, unread: true });

/** Thrown by the readers of single values, caught below. */
class Fault extends Error {}

/** `whole`: a line end followed the row. Where none did, its last value may have been cut off. */
export const readRow = (
  layout: Layout,
  { cells, whole }: { cells: readonly string[]; whole: boolean },
  today: string,
): Read => {
  if (!cells.every(isReadable)) return unread(UNREADABLE_CHARACTERS);
  const count = `has ${cells.length} values for ${layout.width} columns`;
  if (cells.length < layout.width)
    return unread(whole ? count : 'is cut short: the file ends inside it; send the whole file');
  if (cells.slice(layout.width).some((cell) => cell !== '')) return unread(count);
  try {
    const read = readValues(layout, rowOf(layout, cells, whole, today), today);
    // A separator too many moves the values by a column, which shows in the codes; behind the last one it does no harm.
    const moved = cells.length > layout.cells && 'notes' in read && read.notes.length > 0;
    return moved ? unread(count) : read;
  } catch (error) {
    if (error instanceof Fault) return { kind: 'refused', reason: error.message };
    throw error;
  }
};

const readValues = ({ file }: Layout, row: Row, today: string): Read => {
  if (file === 'header') return header(row);
  if (file === 'restrictions')
    return { kind: 'child', child: { ...who(row), ...protection(row) }, notes: [] };
  if (file !== 'episodes' && file !== 'missing') return { kind: 'nothing' };
  const read = file === 'episodes' ? episode(row, today) : missing(row, today);
  const protecting = protection(row);
  return read.kind === 'case' && Object.keys(protecting).length > 0
    ? { ...read, child: { ...who(row), ...protecting } }
    : read;
};

const who = ({ child }: Row): Child => ({ scheme: 'ssda903', id: child() });

/** What the file says that protects the child; an empty value says nothing, and `none` takes back whom it excluded. What is neither a yes nor a no is taken for a yes: it stands in a column of that name. */
const protection = ({ text, uncertain, cutShort }: Row): Pick<Child, 'restricted' | 'exclude'> => {
  if (uncertain === 'RESTRICTED' || uncertain === 'EXCLUDE') throw cutShort();
  const [restricted, exclude] = [text('RESTRICTED'), text('EXCLUDE')];
  const names = (exclude ?? '')
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(Boolean);
  if (!names.every((name) => ATTRIBUTE_FORMS.organisation.test(name)))
    throw new Fault('EXCLUDE has a value that is not the name of an organisation');
  return {
    ...(restricted && { restricted: !/^(n|no|0|false|f)$/i.test(restricted) }),
    ...(names.length > 0 && { exclude: names.filter((name) => name !== 'none') }),
  };
};

type Row = ReturnType<typeof rowOf>;

const rowOf = (layout: Layout, cells: readonly string[], whole: boolean, today: string) => {
  const uncertain = whole ? undefined : [...layout.at].find(([, index]) => index === cells.length - 1)?.[0];
  /** Undefined: no such column. Null: empty. */
  const text = (name: string): string | null | undefined => {
    const index = layout.at.get(name);
    return index === undefined ? undefined : cells[index] || null;
  };
  /** For a last value without a line end behind it that does not prove by its form to be whole. */
  const cutShort = () =>
    new Fault('may be cut short: the last row of the file has no line end; end it with one');

  /** Empty at the end of a file that ends inside a line: nobody knows. */
  const date = (name: string): string | null | undefined => {
    const written = text(name);
    if (written && isNoDate(written)) return null;
    if (!written) return name === uncertain ? undefined : written;
    const read = dateOf(written, today, name === uncertain);
    if (read === undefined)
      throw name === uncertain ? cutShort() : new Fault(`${name} is not a date that exists`);
    if (read > addDays(today, 366)) throw new Fault(`${name} is more than a year ahead`);
    return read;
  };
  const notes: string[] = [];
  /** `form`: what a value of the standard looks like. Any other is a local word: the fact stands, and the value is not known. */
  const code = (name: string, form: RegExp): string | null | undefined => {
    const written = text(name)?.toUpperCase();
    if (name === uncertain && !form.test(written ?? '')) throw cutShort();
    if (!written || form.test(written)) return text(name) && written;
    notes.push(`${name} has a code that the return does not list, and is told as unknown`);
    return null;
  };
  const child = (): string => {
    const id = text('CHILD');
    if (!id) throw new Fault('CHILD is empty');
    if (uncertain === 'CHILD') throw cutShort();
    // What a spreadsheet makes of a long number, and another tool of an empty neighbour.
    if (/^\d+([.,]\d+)?E\+?\d+$|^\d+\.0+$/i.test(id)) throw new Fault('CHILD was changed by a spreadsheet');
    if (id.length > 64 || !/^[\p{L}\p{N}][\p{L}\p{N} ._/-]*$/u.test(id))
      throw new Fault('CHILD is not an identifier');
    return id;
  };
  return { text, date, code, child, uncertain, cutShort, notes };
};

const header = (row: Row): Read => {
  const { text, date, code, uncertain, cutShort, notes } = row;
  const written = text('UPN');
  const upn = checkUpn(written ?? '');
  if (uncertain === 'UPN' && !upn.valid) throw cutShort();
  const born = date('DOB');
  if (uncertain === 'DOB' && !born) throw cutShort();
  const sex = code('SEX', /^[129MFUI]$/);
  return {
    kind: 'child',
    child: {
      ...who(row),
      ...protection(row),
      ...(sex !== undefined && { sex }),
      ...(born !== undefined && { born }),
      ...(written !== undefined && { upn: upn.valid ? upn.value : null }),
    },
    notes: [
      ...notes,
      ...(written && !upn.valid && !/^UN\d$/i.test(written)
        ? ['UPN fails its check letter and is not used']
        : []),
    ],
  };
};

const RNE = /^[SLPTBU]$/;
const LS = /^(C[12]|D1|E1|V[2-4]|L[1-3]|J[1-3])$/;
const PLACE = /^[A-Z]\d$/;
const PROVIDER = /^PR\d$/;
const REC = /^(X1|E[2-9]|E1[1-9]|E4[A-Z1-9])$/;

const episode = (row: Row, today: string): Read => {
  const { text, date, code, child, uncertain, cutShort } = row;
  const id = child();
  const began = started(row, 'DECOM', today);
  const postcode = text('PL_POST');
  const checked = checkPostcode(postcode ?? '');
  if (uncertain === 'PL_POST' && !checked.valid) throw cutShort();
  const ended = date('DEC');
  if (ended && ended < began) throw new Fault('DEC is before DECOM');
  const reason = code('REC', REC);
  const start = present({
    reason: code('RNE', RNE),
    legalStatus: code('LS', LS),
    placement: code('PLACE', PLACE),
    provider: code('PLACE_PROVIDER', PROVIDER),
    postcode: postcode === undefined ? undefined : checked.valid ? checked.value : null,
  });
  return {
    kind: 'case',
    stated: {
      kind: 'care-episode',
      child: { scheme: 'ssda903', id },
      began,
      start,
      // What is yet to come is not told as happened; a later file says it again.
      end:
        ended && ended <= today
          ? { date: ended, ...present({ reason }) }
          : ended === undefined
            ? undefined
            : null,
    },
    notes: [
      ...aheadOf('DEC', ended, today),
      ...(postcode && !checked.valid ? ['PL_POST is not a postcode and is not used'] : []),
      ...row.notes,
    ],
  };
};

const missing = (row: Row, today: string): Read => {
  const { date, code, child } = row;
  const id = child();
  const began = started(row, 'MIS_START', today);
  const ended = date('MIS_END');
  if (ended && ended < began) throw new Fault('MIS_END is before MIS_START');
  const born = date('DOB');
  return {
    kind: 'case',
    stated: {
      kind: 'child-missing-from-care',
      child: { scheme: 'ssda903', id, ...(born && { born }) },
      began,
      start: present({ missing: code('MISSING', /^[MA]$/) }),
      end: ended && ended <= today ? { date: ended } : ended === undefined ? undefined : null,
    },
    notes: [...aheadOf('MIS_END', ended, today), ...row.notes],
  };
};

const started = ({ date }: Row, name: string, today: string): string => {
  const began = date(name);
  if (!began) throw new Fault(`${name} is empty or a placeholder`);
  if (began > today) throw new Fault(`${name} is ahead: send it again when its day has come`);
  if (began < addDays(today, -365 * 60)) throw new Fault(`${name} is more than sixty years back`);
  return began;
};

const aheadOf = (name: string, date: string | null | undefined, today: string): string[] =>
  date && date > today ? [`${name} is ahead and is not told: send it again when its day has come`] : [];

const present = (values: Record<string, string | null | undefined>): Values =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string | null] => entry[1] !== undefined),
  );
