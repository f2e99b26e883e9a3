/**
 * Messages about patients who do not exist, in the format of a British feed: for the simulator, tests and benchmarks.
 * The same number always gives the same patient and stay; NHS numbers are from the range that is never issued.
 */
import { type ExamplePerson, exampleAdult, exampleChild } from '@causeway/schemas/identifiers/example-people';

export type Trigger = 'A01' | 'A03' | 'A08' | 'A11' | 'A13';

const WARDS = ['Ward 1', 'Ward 4', 'Ward 7', 'Acute Medical Unit'];
const METHODS = ['21', '11', '22', '28', '12'];
const DESTINATIONS = ['19', '19', '65', '54', '29'];

const pick = (list: readonly string[], n: number): string => list[n % list.length] ?? '';

const stamp = (at: Date): string => at.toISOString().slice(0, 19).replace(/\D/g, '');

export type StayMessage = {
  trigger: Trigger;
  stay: number;
  /** The number of the patient; by default each of half a million stays has one of its own. */
  patient?: number;
  controlId: string;
  at: Date;
  admittedAt?: Date;
};

/** One ADT message with times in UTC, said as such. */
export const stayMessage = ({
  trigger,
  stay,
  patient = stay % 500_000,
  controlId,
  at,
  admittedAt = at,
}: StayMessage): Buffer => {
  const discharged = trigger === 'A03' || trigger === 'A13' ? `${stamp(at)}+0000` : '';
  const pv1 = {
    2: 'I',
    3: `${pick(WARDS, stay)}^Bay 2^5^WESTGEN`,
    4: pick(METHODS, stay),
    10: '300',
    14: '19',
    19: visitNumber('V', stay),
    36: trigger === 'A03' ? '1' : '',
    37: trigger === 'A03' ? pick(DESTINATIONS, stay) : '',
    44: `${stamp(admittedAt)}+0000`,
    45: discharged,
  };
  return adtMessage(trigger, exampleAdult(patient), { controlId, at, pv1 });
};

export type AttendanceMessage = {
  attendance: number;
  /** The number of the child. */
  child: number;
  controlId: string;
  at: Date;
};

/** A child comes to the emergency department (A04). */
export const attendanceMessage = ({ attendance, child, controlId, at }: AttendanceMessage): Buffer =>
  adtMessage('A04', exampleChild(child), {
    controlId,
    at,
    pv1: {
      2: 'E',
      3: 'ED^^^WESTGEN',
      10: '180',
      18: 'EMERGENCY',
      19: visitNumber('E', attendance),
      44: `${stamp(at)}+0000`,
    },
  });

const visitNumber = (letter: string, number: number): string =>
  `${letter}${String(number).padStart(8, '0')}^^^RWX^VISITID`;

type Visit = { controlId: string; at: Date; pv1: Record<number, string> };

const adtMessage = (trigger: string, person: ExamplePerson, { controlId, at, pv1 }: Visit): Buffer => {
  const time = `${stamp(at)}+0000`;
  const { familyName, givenName, sex, dateOfBirth, nhsNumber, hospitalNumber, address } = person;
  const name = `${familyName}^${givenName}^^^${sex === 'male' ? 'Mr' : 'Ms'}^^L`;
  const visit = Array.from({ length: 45 }, (_, index) => (index === 0 ? '1' : (pv1[index + 1] ?? ''))).join(
    '|',
  );
  const lines = [
    `MSH|^~\\&|SYNTHPAS|RWX|CAUSEWAY|RWX|${time}||ADT^${trigger}^ADT_${trigger}|${controlId}|P|2.4||||||UNICODE UTF-8`,
    `EVN|${trigger}|${time}||||${time}`,
    `PID|1||${hospitalNumber}^^^RWX^HOSP~${nhsNumber}^^^NHS^NHS||${name}||${dateOfBirth.replaceAll('-', '')}|${sex === 'male' ? '1' : '2'}|||${address.lines[0]}^^${address.lines[1]}^^${address.postcode}^^HOME|||||||||||||||||||||NSTS01`,
    'PD1|||Invented Surgery^^Y99999',
    `PV1|${visit}`,
  ];
  return Buffer.from(`${lines.join('\r')}\r`, 'utf8');
};
