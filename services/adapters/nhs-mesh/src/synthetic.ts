/** Messages as NEMS and MNS send them, about people who do not exist. */
import type { ExamplePerson } from '@causeway/schemas/identifiers/example-people';

export type NemsMessage = {
  /** Such as `pds-change-of-address-1`. */
  event: string;
  id: string;
  person: ExamplePerson;
  /** When the national index changed its record. */
  changedAt: string;
  toldAt?: string;
  sequence?: number;
  /** Where the person lives now, and lived before. */
  address?: ExamplePerson['address'];
  before?: ExamplePerson['address'];
  practice?: string;
  /** `1` informal, `2` formal, `U` taken back. */
  death?: { status: '1' | '2' | 'U'; at?: string };
  /** Of a birth. */
  mother?: ExamplePerson;
  /** Confidentiality of the record, such as `R`. */
  security?: string;
  retiredNumber?: string;
};

const WORKFLOWS: Record<string, string> = {
  'pds-death-notification-1': 'DEATHNOTIFICATION_1',
  'pds-change-of-address-1': 'CHANGEOFADDRESS_1',
  'pds-change-of-gp-1': 'CHANGEOFGP_1',
  'pds-birth-notification-1': 'BIRTHNOTIFICATION_1',
  'pds-record-change-1': 'PDS_RECORD_CHANGE_1',
  'pds-death-notification-2': 'DEATHNOTIFICATION_2',
  'pds-change-of-gp-2': 'CHANGEOFGP_2',
  'nhs-number-change-2': 'NHSNUMBERCHANGE_2',
};

/** The workflow under which a message of this event is sent. */
export const workflowOf = (event: string): string => WORKFLOWS[event] ?? 'UNHEARD_OF';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const element = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `<${name} value="${escaped(value)}"/>`;

const NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
const CARE_CONNECT = 'https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-';

const identifier = (number: string, use = ''): string =>
  `<identifier><extension url="${CARE_CONNECT}NHSNumberVerificationStatus-1"><valueCodeableConcept><coding>` +
  `<system value="https://fhir.hl7.org.uk/STU3/CareConnect-NHSNumberVerificationStatus-1"/><code value="01"/>` +
  `</coding></valueCodeableConcept></extension>${use}<system value="${NUMBER}"/><value value="${number}"/></identifier>`;

const nameOf = ({ familyName, givenName }: ExamplePerson): string =>
  `<use value="official"/>${element('family', familyName)}${element('given', givenName)}`;

const addressOf = (
  address: ExamplePerson['address'] | undefined,
  use: 'home' | 'old',
  start: string,
): string =>
  address === undefined
    ? ''
    : `<address>${element('use', use)}${address.lines.map((line) => element('line', line)).join('')}` +
      `${element('postalCode', address.postcode)}<period>${use === 'old' ? element('end', start) : element('start', start)}</period></address>`;

const deathOf = ({ death }: NemsMessage): string =>
  death === undefined
    ? ''
    : `<extension url="${CARE_CONNECT}DeathNotificationStatus-1"><extension url="deathNotificationStatus"><valueCodeableConcept><coding>` +
      `<system value="https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-DeathNotificationStatus-1"/>${element('code', death.status)}` +
      `</coding></valueCodeableConcept></extension></extension>`;

const entry = (id: string, resource: string): string =>
  `<entry><fullUrl value="urn:uuid:${id}"/><resource>${resource}</resource></entry>`;

const patient = (message: NemsMessage, id: string): string => {
  const { person, address, before, practice, security, death, retiredNumber } = message;
  const day = message.changedAt.slice(0, 10);
  const meta = security
    ? `<meta><security><system value="http://hl7.org/fhir/v3/Confidentiality"/>${element('code', security)}</security></meta>`
    : '';
  return (
    `<Patient>${element('id', id)}${meta}${deathOf(message)}${identifier(person.nhsNumber)}` +
    `${retiredNumber === undefined ? '' : identifier(retiredNumber, '<use value="old"/>')}` +
    `<name>${nameOf(person)}</name>${element('gender', person.sex)}${element('birthDate', person.dateOfBirth)}` +
    `${element('deceasedDateTime', death?.at)}${addressOf(before, 'old', day)}${addressOf(address, 'home', day)}` +
    `${message.mother === undefined ? '' : '<multipleBirthInteger value="1"/>'}` +
    `${practice === undefined ? '' : `<generalPractitioner><reference value="https://directory.spineservices.nhs.uk/STU3/Organization/${practice}"/></generalPractitioner>`}` +
    `</Patient>`
  );
};

const birthEntries = ({ mother, id }: NemsMessage, child: string): string =>
  mother === undefined
    ? ''
    : entry(
        `${id}-mother`,
        `<Patient><id value="${id}-mother"/>${identifier(mother.nhsNumber)}<name>${nameOf(mother)}</name>` +
          `${element('birthDate', mother.dateOfBirth)}</Patient>`,
      ) +
      entry(
        `${id}-related`,
        `<RelatedPerson><id value="${id}-related"/><patient><reference value="urn:uuid:${child}"/></patient></RelatedPerson>`,
      ) +
      entry(
        `${id}-outcome`,
        '<Observation><code><coding><system value="http://snomed.info/sct"/><code value="237364002"/></coding></code>' +
          '<valueCodeableConcept><coding><code value="1"/></coding></valueCodeableConcept></Observation>',
      );

/** A FHIR STU3 message bundle of NEMS. */
export const nemsMessage = (message: NemsMessage): Buffer => {
  const { event, id, person, changedAt, toldAt = changedAt, sequence = 1, mother } = message;
  const routed = mother ?? person;
  const child = `${id}-patient`;
  const header =
    `<MessageHeader><id value="${id}"/><meta><versionId value="${sequence}"/><lastUpdated value="${changedAt}"/></meta>` +
    '<extension url="https://fhir.nhs.uk/STU3/StructureDefinition/Extension-RoutingDemographics-1">' +
    `<extension url="nhsNumber"><valueIdentifier><system value="${NUMBER}"/><value value="${routed.nhsNumber}"/></valueIdentifier></extension>` +
    `<extension url="name"><valueHumanName>${nameOf(routed)}</valueHumanName></extension>` +
    `<extension url="birthDateTime"><valueDateTime value="${routed.dateOfBirth}"/></extension></extension>` +
    '<extension url="https://fhir.nhs.uk/STU3/StructureDefinition/Extension-MessageEventType-1"><valueCodeableConcept><coding>' +
    '<system value="https://fhir.nhs.uk/STU3/CodeSystem/MessageEventType-1"/><code value="new"/></coding></valueCodeableConcept></extension>' +
    `<event><system value="https://fhir.nhs.uk/STU3/CodeSystem/EventType-1"/><code value="${event}"/></event>` +
    `<timestamp value="${toldAt}"/><source><endpoint value="urn:nhs:addressing:asid:477121000323"/></source>` +
    `<focus><reference value="urn:uuid:${id}-told"/></focus></MessageHeader>`;
  const subject = mother === undefined ? child : `${id}-mother`;
  const told = `<Communication><id value="${id}-told"/><status value="completed"/><subject><reference value="urn:uuid:${subject}"/></subject></Communication>`;
  const entries = [
    entry(id, header),
    entry(`${id}-told`, told),
    entry(child, patient(message, child)),
    birthEntries(message, child),
  ];
  return Buffer.from(
    `<Bundle xmlns="http://hl7.org/fhir"><id value="${id}-bundle"/><type value="message"/>${entries.join('')}</Bundle>`,
  );
};

type MnsSignal = {
  event: string;
  id: string;
  number: string;
  at: string;
  /** The number under which the record is now, where it is another. */
  recordedUnder?: string;
};

/** A signal of MNS. */
export const mnsSignal = ({ event, id, number, at, recordedUnder = number }: MnsSignal): Buffer =>
  Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id,
      source: 'https://fhir.nhs.uk/Id/nhsSpineASID/477121000324',
      type: event,
      time: at,
      dataref: `https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${recordedUnder}`,
      subject: number,
    }),
  );
