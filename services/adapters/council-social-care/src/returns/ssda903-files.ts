/** The files of the looked-after children return (SSDA903, Department for Education), and how the first row of one tells which it is. */
import { cellsOf } from './csv.ts';

type FileKind =
  | 'header'
  | 'episodes'
  | 'missing'
  | 'uasc'
  | 'reviews'
  | 'oc2'
  | 'oc3'
  | 'ad1'
  | 'placed_adoption'
  | 'prev_perm'
  | 'sw_episodes'
  | 'dolo'
  | 'restrictions';

/** In the standard's order. What a file cannot do without is in `ESSENTIAL`. */
const COLUMNS: Record<FileKind, readonly string[]> = {
  header: ['CHILD', 'SEX', 'DOB', 'ETHNIC', 'UPN', 'MOTHER', 'MC_DOB'],
  episodes: [
    'CHILD',
    'DECOM',
    'RNE',
    'LS',
    'CIN',
    'PLACE',
    'PLACE_PROVIDER',
    'DEC',
    'REC',
    'REASON_PLACE_CHANGE',
    'HOME_POST',
    'PL_POST',
    'URN',
  ],
  missing: ['CHILD', 'DOB', 'MISSING', 'MIS_START', 'MIS_END'],
  uasc: ['CHILD', 'SEX', 'DOB', 'DUC'],
  reviews: ['CHILD', 'DOB', 'REVIEW', 'REVIEW_CODE'],
  oc2: [
    'CHILD',
    'DOB',
    'SDQ_SCORE',
    'SDQ_REASON',
    'CONVICTED',
    'HEALTH_CHECK',
    'IMMUNISATIONS',
    'TEETH_CHECK',
    'HEALTH_ASSESSMENT',
    'SUBSTANCE_MISUSE',
    'INTERVENTION_RECEIVED',
    'INTERVENTION_OFFERED',
  ],
  oc3: ['CHILD', 'DOB', 'IN_TOUCH', 'ACTIV', 'ACCOM'],
  ad1: ['CHILD', 'DOB', 'DATE_INT', 'DATE_MATCH', 'FOSTER_CARE', 'NB_ADOPTR', 'SEX_ADOPTR', 'LS_ADOPTR'],
  placed_adoption: ['CHILD', 'DOB', 'DATE_PLACED', 'DATE_PLACED_CEASED', 'REASON_PLACED_CEASED'],
  prev_perm: ['CHILD', 'DOB', 'PREV_PERM', 'LA_PERM', 'DATE_PERM'],
  sw_episodes: ['CHILD', 'DOB', 'SW_ID', 'SW_DECOM', 'SW_DEC', 'SW_REASON'],
  // Deprivation of liberty orders, from the return for 2025/26 on. Nothing becomes an event, so all that counts is to know the file.
  dolo: ['CHILD', 'DOB', 'DOLO_START', 'DOLO_END'],
  // No file of the return: a council's own list, where its census cannot carry the columns.
  restrictions: ['CHILD', 'RESTRICTED', 'EXCLUDE'],
};

const ESSENTIAL: Partial<Record<FileKind, readonly string[]>> = {
  header: ['CHILD'],
  episodes: ['CHILD', 'DECOM'],
  missing: ['CHILD', 'MIS_START'],
  restrictions: ['CHILD', 'RESTRICTED'],
};

/** What a council can add to any file that is used: whose whereabouts must not go out, and whom a row must not be told. */
const PROTECTING = ['RESTRICTED', 'EXCLUDE'];

/** What the events of a file are made of; the other columns of its standard are known and not needed. */
const USED: Partial<Record<FileKind, readonly string[]>> = {
  header: ['CHILD', 'SEX', 'DOB', 'UPN'],
  episodes: ['CHILD', 'DECOM', 'RNE', 'LS', 'PLACE', 'PLACE_PROVIDER', 'DEC', 'REC', 'PL_POST'],
  missing: ['CHILD', 'DOB', 'MISSING', 'MIS_START', 'MIS_END'],
  restrictions: ['CHILD'],
};

/** Other words for the same columns. */
const ALIASES: Record<string, string> = {
  CHILDID: 'CHILD',
  GENDER: 'SEX',
  DATEOFBIRTH: 'DOB',
  ETHNICITY: 'ETHNIC',
  MISSTARTDATE: 'MISSTART',
  MISENDDATE: 'MISEND',
  PLACEPROVIDERCODE: 'PLACEPROVIDER',
  DOLOSTARTDATE: 'DOLOSTART',
  DOLSTART: 'DOLOSTART',
  DOLODECOM: 'DOLOSTART',
  DOLOENDDATE: 'DOLOEND',
  DOLEND: 'DOLOEND',
  DOLODEC: 'DOLOEND',
};

/** Names in their other spellings: any case, spaces, dashes or dots for underscores, quotes, a byte order mark. */
const plain = (name: string): string => {
  const bare = name
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '');
  return ALIASES[bare] ?? bare;
};

const KINDS = Object.keys(COLUMNS) as FileKind[];
const PLAIN = new Map(
  [PROTECTING, ...Object.values(COLUMNS)].flatMap((names) => names.map((name) => [plain(name), name])),
);
/** `,` first: where a row reads the same by two of them, it is the standard's. */
const MOST_NAMED = 50;
const DELIMITERS = [',', ';', '\t', '|'];

export type Layout = {
  file: FileKind;
  delimiter: string;
  /** Cells of a row. */
  width: number;
  /** Cells of the row of column names, with the empty ones behind the last name. */
  cells: number;
  /** Where each column that is used stands. */
  at: ReadonlyMap<string, number>;
  /** Columns of no file of the return; named as far as they look like names. */
  ignored: string[];
  /** Columns that the file should have, that are used, and that are not there. */
  missing: string[];
};

type Recognised = { kind: 'layout'; layout: Layout } | { kind: 'refused'; reason: string };

const refused = (reason: string): Recognised => ({ kind: 'refused', reason });

/** The file that a row of column names belongs to: the one that has most of these names, and more than half of them by the same names. */
export const recognise = (names: string): Recognised => {
  const read = DELIMITERS.flatMap((delimiter) => {
    const cells = cellsOf(names, delimiter);
    if (typeof cells === 'string') return [];
    const known = cells.map((cell) => PLAIN.get(plain(cell)));
    return [{ delimiter, cells, known, count: known.filter((name) => name !== undefined).length }];
  }).sort((a, b) => b.count - a.count);
  const [best] = read;
  if (best === undefined || best.count < 2)
    return refused(
      'the first row does not have the column names of an SSDA903 file, such as CHILD, DECOM, RNE',
    );
  const names_ = new Set(best.known.filter((name) => name !== undefined));
  const [file, shared] = bestKind(names_);
  if (shared < 2)
    return refused('the column names fit no file of SSDA903: header, episodes, missing and others are known');
  const twice = best.known.find((name, index) => name !== undefined && best.known.indexOf(name) !== index);
  if (twice !== undefined) return refused(`the column ${twice} is there twice`);
  const lacking = (ESSENTIAL[file] ?? []).filter((name) => !names_.has(name));
  if (lacking.length > 0)
    return refused(`the ${file} file lacks the column${lacking.length > 1 ? 's' : ''} ${lacking.join(', ')}`);
  const used = USED[file] ?? [];
  const at = new Map(
    [...used, ...PROTECTING].flatMap((name) =>
      names_.has(name) ? [[name, best.known.indexOf(name)] as const] : [],
    ),
  );
  // A separator behind the last name.
  const width = best.cells.findLastIndex((cell) => cell !== '') + 1;
  return {
    kind: 'layout',
    layout: {
      file,
      delimiter: best.delimiter,
      width,
      cells: best.cells.length,
      at,
      ignored: best.cells
        .flatMap((cell, index) =>
          cell === '' || isColumn(file, best.known[index] ?? '') ? [] : [presentable(cell, index)],
        )
        .slice(0, MOST_NAMED),
      missing: used.filter((name) => !names_.has(name)),
    },
  };
};

const isColumn = (file: FileKind, name: string): boolean =>
  COLUMNS[file].includes(name) || (isUsed(file) && PROTECTING.includes(name));

const bestKind = (names: ReadonlySet<string>): [FileKind, number] => {
  const scored = KINDS.map((file) => {
    const own = COLUMNS[file].filter((name) => names.has(name));
    // CHILD, DOB and SEX are in nearly every file.
    const telling = own.filter((name) => !['CHILD', 'DOB', 'SEX'].includes(name)).length;
    return { file, score: 10 * telling + own.length, shared: telling > 0 ? own.length : 0 };
  }).sort((a, b) => b.score - a.score);
  const [best] = scored;
  // What all files have in common is a header file without the rest of its columns.
  if (!best?.shared && ['CHILD', 'SEX', 'DOB'].every((name) => names.has(name))) return ['header', 3];
  return [best?.file ?? 'header', best?.shared ?? 0];
};

const presentable = (cell: string, index: number): string =>
  /^[A-Za-z][A-Za-z_]*( [A-Za-z_]+){0,3}$/.test(cell) && cell.length <= 40 ? cell : `column ${index + 1}`;

/** Whether anything of the file can become an event, or be said of a child in one. */
export const isUsed = (file: FileKind): boolean => USED[file] !== undefined;
