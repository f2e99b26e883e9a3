/** Acknowledgements of HL7 v2 (chapter 2.9): the answer to every message, built from its header alone. */
import { type Header, header, text } from './parser.ts';

export type AckMode = 'original' | 'enhanced';

/** accepted: kept for good; unavailable: cannot be kept now, send it again; rejected: sending it again will not help. */
export type AckVerdict = 'accepted' | 'unavailable' | 'rejected';

export type AckAnswer = { verdict: AckVerdict; reason?: string };

const CODES: Record<AckMode, Record<AckVerdict, string>> = {
  original: { accepted: 'AA', unavailable: 'AE', rejected: 'AR' },
  enhanced: { accepted: 'CA', unavailable: 'CE', rejected: 'CR' },
};

const SEVERITY: Record<Exclude<AckVerdict, 'accepted'>, string> = { unavailable: 'W', rejected: 'E' };

/**
 * What the operator of the sending system reads, in MSA-3 (80 characters at most): the reason's code and what to do. Nothing of the message
 * stands in it, and none of the sender's own delimiters.
 */
const ADVICE: Record<string, string> = {
  'no-header': 'the frame does not begin with a readable MSH, correct the sender',
  'too-large': 'above the maximum size, do not send it again as it is',
  'cut-short': 'the message did not end, send it again whole',
  'outside-frame': 'bytes outside an MLLP frame, wrap each message in VT and FS CR',
};

const textOf = (answer: AckAnswer, delimiters: Header['delimiters'] | undefined): string => {
  const reason = answer.reason ?? '';
  const advice = ADVICE[reason];
  const marks = new Set(Object.values(delimiters ?? {}));
  return [...(advice === undefined ? reason : `${reason}: ${advice}`)]
    .map((mark) => (marks.has(mark) ? ' ' : mark))
    .join('');
};

const two = (value: number): string => String(value).padStart(2, '0');

/** HL7 time in UTC with its offset. */
const hl7Time = (at: Date): string => {
  const date = `${at.getUTCFullYear()}${two(at.getUTCMonth() + 1)}${two(at.getUTCDate())}`;
  return `${date}${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}+0000`;
};

/** Whether a condition of table 0155 asks for an answer to this verdict. */
const asksFor = (condition: string | undefined, verdict: AckVerdict): boolean => {
  if (condition === 'NE') return false;
  if (condition === 'ER') return verdict !== 'accepted';
  if (condition === 'SU') return verdict === 'accepted';
  return true;
};

/**
 * In which form the sender wants this answer; undefined where it wants none. In enhanced mode MSH-15 decides about the accept
 * acknowledgement. Where that is not wanted and MSH-16 asks for an application acknowledgement, the answer is that one: for a bus both are
 * known at the same moment.
 */
const formFor = (of: Header | undefined, mode: AckMode, verdict: AckVerdict): AckMode | undefined => {
  if (mode === 'original' || of === undefined) return mode;
  const [accept, application] = [15, 16].map((field) => text(of, header(of), field)?.toUpperCase());
  if (asksFor(accept, verdict)) return 'enhanced';
  return application !== undefined && asksFor(application, verdict) ? 'original' : undefined;
};

/** ERR in the form of the sender's version: 2.5 gave the segment new fields. */
const errorSegment = (
  separator: string,
  component: string,
  version: string,
  answer: AckAnswer,
  said: string,
): string[] => {
  if (answer.verdict === 'accepted') return [];
  const code =
    answer.reason === 'no-header' ? ['100', 'Segment sequence error'] : ['207', 'Application internal error'];
  const [, minor = '4'] = version.split('.');
  if (Number.parseInt(minor, 10) < 5) {
    // The sender's own subcomponent separator may not exist; the identifier alone is enough.
    return [['ERR', ['', '', '', code[0]].join(component)].join(separator)];
  }
  const coded = [...code, 'HL70357'].join(component);
  return [['ERR', '', '', coded, SEVERITY[answer.verdict], '', '', '', said].join(separator)];
};

/**
 * The answer as bytes, without its frame; undefined where the sender does not want one.
 * Values of the sender's header are repeated as they came, so that its delimiters and bytes stay its own.
 */
export const acknowledgement = (
  of: Header | undefined,
  mode: AckMode,
  answer: AckAnswer,
  own: { controlId: string; at: Date },
): Buffer | undefined => {
  const form = formFor(of, mode, answer.verdict);
  if (form === undefined) return undefined;
  const theirs = of === undefined ? [] : header(of).fields;
  const field = (nth: number): string => theirs[nth] ?? '';
  const separator = of?.delimiters.field ?? '|';
  const component = of?.delimiters.component ?? '^';
  const trigger = field(9).split(component)[1];
  const version = field(12) || '2.4';
  const msh = [
    'MSH',
    field(2) || '^~\\&',
    field(5) || 'CAUSEWAY',
    field(6),
    field(3),
    field(4),
    hl7Time(own.at),
    '',
    trigger ? `ACK${component}${trigger}` : 'ACK',
    own.controlId,
    field(11) || 'P',
    version,
  ];
  const said = textOf(answer, of?.delimiters);
  const msa = ['MSA', CODES[form][answer.verdict], field(10), ...(said ? [said] : [])];
  const segments = [
    msh.join(separator),
    msa.join(separator),
    ...errorSegment(separator, component, version, answer, said),
  ];
  return Buffer.from(`${segments.join('\r')}\r`, 'latin1');
};

/** Control ids of our own: unique per process and instant, 20 characters at most as HL7 v2.3 demands. */
export const controlIds = (start: Date): (() => string) => {
  let next = 0;
  const base = start.getTime().toString(36).toUpperCase();
  return () => {
    next += 1;
    return `CW${base}${next.toString(36).toUpperCase()}`;
  };
};
