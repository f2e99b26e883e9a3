/**
 * Messages about patients who do not exist, in the format of a British feed: for the simulator, tests and benchmarks.
 * The same number always gives the same patient and stay; NHS numbers are from the range that is never issued.
 */
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';

export type Trigger = 'A01' | 'A03' | 'A08' | 'A11' | 'A13';

const FAMILY_NAMES = [
  'Exampleton',
  'Sampleson',
  'Testwell',
  'Mockford',
  'Fakenham-Smith',
  "O'Placeholder",
  'Dummère',
];
const GIVEN_NAMES = [
  'Alda',
  'Bertram',
  'Cerys',
  'Dafydd',
  'Edith',
  'Farid',
  'Grace',
  'Hamish',
  'Imani',
  'Jory',
];
const WARDS = ['Ward 1', 'Ward 4', 'Ward 7', 'Acute Medical Unit'];
const METHODS = ['21', '11', '22', '28', '12'];
const DESTINATIONS = ['19', '19', '65', '54', '29'];

const pick = (list: readonly string[], n: number): string => list[n % list.length] ?? '';

/** A valid NHS number of the test range 999 000 0000 to 999 999 9999. */
export const testNhsNumber = (n: number): string => {
  for (let serial = n % 1_000_000; ; serial = (serial + 1) % 1_000_000) {
    for (let check = 0; check < 10; check += 1) {
      const number = checkNhsNumber(`999${String(serial).padStart(6, '0')}${check}`);
      if (number.valid) return number.value;
    }
  }
};

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
  const time = `${stamp(at)}+0000`;
  const born = `${1930 + (patient % 80)}${String(1 + (patient % 12)).padStart(2, '0')}${String(1 + (patient % 28)).padStart(2, '0')}`;
  const name = `${pick(FAMILY_NAMES, patient)}^${pick(GIVEN_NAMES, patient * 7)}^^^${patient % 2 ? 'Mr' : 'Ms'}^^L`;
  const nhs = `${testNhsNumber(patient)}^^^NHS^NHS`;
  const discharged = trigger === 'A03' || trigger === 'A13' ? time : '';
  const pv1: Record<number, string> = {
    1: '1',
    2: 'I',
    3: `${pick(WARDS, stay)}^Bay 2^5^WESTGEN`,
    4: pick(METHODS, stay),
    10: '300',
    14: '19',
    19: `V${String(stay).padStart(8, '0')}^^^RWX^VISITID`,
    36: trigger === 'A03' ? '1' : '',
    37: trigger === 'A03' ? pick(DESTINATIONS, stay) : '',
    44: `${stamp(admittedAt)}+0000`,
    45: discharged,
  };
  const visit = Array.from({ length: 45 }, (_, index) => pv1[index + 1] ?? '').join('|');
  const lines = [
    `MSH|^~\\&|SYNTHPAS|RWX|CAUSEWAY|RWX|${time}||ADT^${trigger}^ADT_${trigger}|${controlId}|P|2.4||||||UNICODE UTF-8`,
    `EVN|${trigger}|${time}||||${time}`,
    `PID|1||T${String(patient).padStart(7, '0')}^^^RWX^HOSP~${nhs}||${name}||${born}|${patient % 2 ? '1' : '2'}|||${1 + (patient % 90)} Invented Lane^^Fictionham^^WE4 5TS^^HOME|||||||||||||||||||||NSTS01`,
    'PD1|||Invented Surgery^^Y99999',
    `PV1|${visit}`,
  ];
  return Buffer.from(`${lines.join('\r')}\r`, 'utf8');
};
