/**
 * What the bus tells the hospital, as HL7 v2.4 MDM^T02^MDM_T02: a document about a patient with its text. Pure.
 *
 * It goes to a record only where the hospital number is certain; anything else goes to the safeguarding team's worklist without
 * a number, so that the engine can neither file it with a stranger nor make a patient of it.
 */
import { createHash } from 'node:crypto';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { documentLines } from './document.ts';

export type MdmSettings = {
  /** MSH-5 of messages for a record, and of those for the worklist. */
  recordApplication: string;
  worklistApplication: string;
  /** MSH-6 */
  facility: string;
  /** TXA-2 and OBX-3: the trust's own code of such documents. */
  documentType: string;
  processingId: 'P' | 'T' | 'D';
  /** Assigning authority in PID-3: what the trust's own numbers are known by. */
  authority: string;
};

export type MdmEvent = {
  id: string;
  source: string;
  type: string;
  time: string;
  recordedTime?: string;
  corrects?: string;
  priority?: string;
  /** Whether the person was matched by a certain identifier, or by name and date of birth. */
  match?: 'verified' | 'possible';
  handling: readonly string[];
};

export type Notice = {
  event: MdmEvent;
  /** What people call this kind of event. */
  title: string;
  schema: AvroSchema;
  data: unknown;
  /** The content is not for a patient portal. */
  veryRestricted: boolean;
  at: Date;
};

/** `CW` and 90 bits of the event's id: 20 characters, the most that HL7 v2.3 and 2.4 allow, the same at each try. */
export const controlIdOf = (eventId: string): string => {
  const hash = createHash('sha256').update(eventId).digest();
  const bits = BigInt(`0x${hash.subarray(0, 12).toString('hex')}`) >> 6n;
  return `CW${bits.toString(32).toUpperCase().padStart(18, '0').slice(-18)}`;
};

/** The hospital number, where it is certain: given with an NHS number that was traced. */
export const certainHospitalNumber = (data: unknown): string | undefined => {
  const { hospitalNumber, nhsNumber, nhsNumberStatus } = personOf(data)?.identifiers ?? {};
  const certain = nhsNumberStatus === 'verified' && isText(nhsNumber) && isText(hospitalNumber);
  return certain ? hospitalNumber : undefined;
};

/** Police and child-protection content, whose existence alone can put somebody at risk in the wrong hands. */
export const isVeryRestricted = (type: string, purposes: readonly string[]): boolean =>
  /^uk\.causeway\.police\.|child|safeguarding|section47|care-episode/.test(type) ||
  purposes.some((purpose) => VERY_RESTRICTED.has(purpose));

const VERY_RESTRICTED = new Set([
  'child-safeguarding',
  'adult-safeguarding',
  'domestic-abuse',
  'missing-people',
  'crime-prevention',
  'mental-health-crisis',
]);

/** The message, without its frame, in UTF-8. */
export const mdmMessage = (notice: Notice, settings: MdmSettings): Buffer => {
  const { event, at } = notice;
  const number = event.match === 'possible' ? undefined : certainHospitalNumber(notice.data);
  const application = number === undefined ? settings.worklistApplication : settings.recordApplication;
  const version = '2.4';
  const sent = hl7Time(at.toISOString());
  const segments = [
    [
      'MSH',
      '^~\\&',
      'CAUSEWAY',
      partyOf(event.source),
      application,
      settings.facility,
      sent,
      '',
      'MDM^T02^MDM_T02',
      controlIdOf(event.id),
      settings.processingId,
      version,
      '',
      '',
      '',
      '',
      'GBR',
      'UNICODE UTF-8',
    ],
    ['EVN', 'T02', sent],
    pidSegment(notice.data, number, settings.authority),
    ['PV1', '1', 'N'],
    txaSegment(notice, settings),
    ...textOf(notice, number).map((line, index) => [
      'OBX',
      String(index + 1),
      'TX',
      `${settings.documentType}^${escaped(notice.title)}^L`,
      '1',
      escaped(line),
      '',
      '',
      '',
      '',
      '',
      'F',
    ]),
  ];
  return Buffer.from(`${segments.map((fields) => trimmed(fields).join('|')).join('\r')}\r`, 'utf8');
};

const pidSegment = (data: unknown, number: string | undefined, authority: string): string[] => {
  const person = personOf(data);
  const given = person?.name?.givenNames ?? [];
  const name = [person?.name?.familyName ?? '', given[0] ?? '', given.slice(1).join(' ')]
    .map(escaped)
    .join('^');
  const { nhsNumber } = person?.identifiers ?? {};
  const ids =
    number === undefined
      ? []
      : [
          `${escaped(number)}^^^${escaped(authority)}^MR`,
          ...(isText(nhsNumber) ? [`${escaped(nhsNumber)}^^^NHS^NH`] : []),
        ];
  const born = person?.dateOfBirth?.value?.replaceAll('-', '') ?? '';
  return [
    'PID',
    '1',
    '',
    ids.join('~'),
    '',
    name.replace(/\^+$/, ''),
    '',
    escaped(born),
    SEX[person?.sex ?? ''] ?? 'U',
  ];
};

const SEX: Record<string, string> = { female: 'F', male: 'M', indeterminate: 'O' };

/** TXA-12 is the event's id, TXA-13 that of what it corrects, TXA-17 documented, TXA-18 who may see it, TXA-19 available. */
const txaSegment = ({ event, veryRestricted }: Notice, { documentType }: MdmSettings): string[] => {
  const fields = Array<string>(20).fill('');
  fields[0] = 'TXA';
  fields[1] = '1';
  fields[2] = documentType;
  fields[3] = 'TX';
  fields[4] = hl7Time(event.time);
  fields[6] = hl7Time(event.recordedTime ?? event.time);
  fields[12] = `${event.id}^CAUSEWAY`;
  fields[13] = event.corrects === undefined ? '' : `${event.corrects}^CAUSEWAY`;
  fields[17] = 'DO';
  fields[18] = veryRestricted ? 'V' : 'R';
  fields[19] = 'AV';
  return fields;
};

const textOf = ({ event, title, schema, data }: Notice, number: string | undefined): string[] => [
  ...(number === undefined ? ['POSSIBLE MATCH: CONFIRM the identity before this is filed or acted on.'] : []),
  title,
  `From: ${partyOf(event.source)}`,
  `Happened: ${event.time}`,
  ...(event.priority === undefined ? [] : [`Priority: ${event.priority}`]),
  ...(event.handling.length === 0 ? [] : [`Handling: ${event.handling.join(', ').replaceAll('-', ' ')}`]),
  ...(event.corrects === undefined ? [] : ['This corrects or withdraws an earlier notice.']),
  '',
  ...documentLines(schema, data).flatMap((line) => line.split(/\r\n|\r|\n/)),
];

const partyOf = (source: string): string => source.split('/')[1] ?? 'causeway';

/** RFC 3339 to HL7 with offset. */
const hl7Time = (time: string): string => {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(time);
  if (parts === null) return '';
  const offset = parts[7] === 'Z' ? '+0000' : (parts[7] ?? '').replace(':', '');
  return `${parts.slice(1, 7).join('')}${offset}`;
};

const ESCAPES: Record<string, string> = {
  '\\': '\\E\\',
  '|': '\\F\\',
  '^': '\\S\\',
  '&': '\\T\\',
  '~': '\\R\\',
};

/** A value as HL7 carries it: delimiters escaped, control characters (which would end a segment or a frame) dropped. */
export const escaped = (value: string): string =>
  value.replaceAll(/[\\|^&~]/g, (mark) => ESCAPES[mark] ?? '').replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');

const trimmed = (fields: readonly string[]): string[] => {
  const last = fields.findLastIndex((field) => field !== '');
  return fields.slice(0, last + 1);
};

type PersonView = {
  name?: { familyName?: string | null; givenNames?: string[] | null } | null;
  dateOfBirth?: { value?: string } | null;
  sex?: string;
  identifiers?: {
    hospitalNumber?: string | null;
    nhsNumber?: string | null;
    nhsNumberStatus?: string | null;
  };
};

const personOf = (data: unknown): PersonView | undefined => (data as { person?: PersonView } | null)?.person;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
