// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.

/** A recipient said what became of an event: it was seen, accepted, is not for that organisation, or nothing can be done with it. Published by the recipient, released only to the organisation whose event it answers (`ce_inresponseto`). It says nothing about the person. */
export type AcknowledgementRecordedV1 = {
  /** Id of the event that is answered, as in `ce_inresponseto`. */
  acknowledges: string;
  /** Type of the event that is answered. */
  acknowledgedType?: string | null;
  /** Id of the organisation that answers. */
  recipient: string;
  /** What the recipient says of the event. */
  state: AcknowledgementState;
  /** The team that has it now, never a person. */
  team?: string | null;
  /** What to quote to the recipient: a case or contact number that says nothing about the person by itself. */
  reference?: string | null;
  /** When the recipient said so. */
  recordedAt: string;
  /** Whom to ring at the recipient about it. */
  contact: Contact;
};

/** What the recipient says of the event. `seen` a person or system of the recipient has it, `accepted` somebody took it up, `not_ours` another organisation or area is responsible (written `not-ours` at the gateway), `unable` the recipient cannot act on it. */
export type AcknowledgementState = 'seen' | 'accepted' | 'not_ours' | 'unable' | 'UNKNOWN';

/** A postal address in the United Kingdom. Every part of it is withheld for a person who is shielded. */
export type Address = {
  /** Address lines without the postcode, from the house outwards. */
  lines?: string[] | null;
  /** Postcode in capitals with one space before the last three characters. ZZ99 pseudo-postcodes mean that there is no fixed or known address. */
  postcode?: string | null;
  /** Unique Property Reference Number, without leading zeros. */
  uprn?: string | null;
  /** GSS code of the local authority that the address lies in. */
  localAuthority?: string | null;
};

/** How the patient came to be admitted: the groups of the national admission method codes (HL7 table 0007 in the ITK reference tables). `elective` 11 to 13, `emergency` 21 to 28 with their letter codes, `maternity` 31 and 32, `transfer` 81, `birth` 82 and 83. */
export type AdmissionMethod = 'elective' | 'emergency' | 'maternity' | 'transfer' | 'birth' | 'UNKNOWN';

/** Whom to ring about this event. An office, never a person's own number, and part of every release. */
export type Contact = {
  /** Name of the organisation to ring. */
  organisation: string;
  /** The team or desk that answers. */
  team?: string | null;
  /** Telephone number in office hours. */
  telephone?: string | null;
  /** Telephone number at all other times. */
  outOfHoursTelephone?: string | null;
  /** What to quote: a reference to the message or case that says nothing about the person by itself. */
  reference?: string | null;
};

/** How much of a partial date is known. */
export type DatePrecision = 'day' | 'month' | 'year' | 'UNKNOWN';

/** An event did not reach its recipient in time, or nobody there acknowledged it by the time it had to be acted on. Released only to the organisation whose event it is (`ce_inresponseto`), so that somebody picks up the telephone. It says nothing about the person. */
export type DeliveryOverdueV1 = {
  /** Id of the event that is overdue, as in `ce_inresponseto`. */
  overdueEvent: string;
  /** Type of the event that is overdue. */
  overdueType: string;
  /** Priority of the event that is overdue. */
  overduePriority: Priority;
  /** Id of the organisation that should have it. */
  recipient: string;
  /** What did not happen in time. */
  reason: OverdueReason;
  /** When it had to be delivered or acknowledged. */
  dueAt: string;
  /** When it was found to be overdue. */
  noticedAt: string;
  /** Whom to ring at the recipient: the duty contact for the time of this notice. */
  contact: Contact;
};

/** Where the patient went: groups of the national discharge destination codes (HL7 table 0113 in the ITK reference tables). `usual_residence` 19, `temporary_residence` 29, `court` 37, `penal_establishment_or_police` 38, `nhs_hospital` 48 to 53, `nhs_care_home` 54, `local_authority_residential` 65, `local_authority_foster_care` 66, `not_applicable` 79, `other_care` 84 to 88. */
export type DischargeDestination = 'usual_residence' | 'temporary_residence' | 'court' | 'penal_establishment_or_police' | 'nhs_hospital' | 'nhs_care_home' | 'local_authority_residential' | 'local_authority_foster_care' | 'other_care' | 'not_applicable' | 'UNKNOWN';

/** How the stay ended, after the national discharge method codes (HL7 table 0112 in the ITK reference tables): `clinical_advice` 1, `self_or_relative` 2, `tribunal_or_court` 3, `died` 4, `stillbirth` 5. */
export type DischargeMethod = 'clinical_advice' | 'self_or_relative' | 'tribunal_or_court' | 'died' | 'stillbirth' | 'UNKNOWN';

/** What the person is known by. One field per scheme, so that an agreement can release one of them. */
export type Identifiers = {
  /** NHS number: ten digits that pass the check, without spaces. */
  nhsNumber?: string | null;
  /** How far the NHS number was traced. Only a verified one identifies a person. */
  nhsNumberStatus?: NhsNumberStatus | null;
  /** The trust's own number of the patient. */
  hospitalNumber?: string | null;
  /** Unique Pupil Number. */
  upn?: string | null;
  /** Police National Computer identifier, as YYYY/NNNNNNNC. */
  pncId?: string | null;
  /** Criminal Records Office number. */
  cro?: string | null;
  /** The source system's own number of the person, where no other field names its scheme. */
  localId?: string | null;
};

/** A hospital or national index found that two records or numbers are one person: a merge (HL7 A40) or a change of number. Read by the exchange and the console only and never released: a link can betray an adoption or a protected identity. It names nobody. `ce_subject` and `ce_tokens` are those of the identity that goes on, `ce_othertokens` those of the identity that was retired. */
export type IdentityLinkedV1 = {
  /** How the two came to be one. */
  linkKind: LinkKind;
  /** Which kinds of identifier changed, such as hospital-number or nhs; never the numbers. */
  schemes: string[];
  /** When the source linked them. */
  linkedAt: string;
  /** Whom to ring at the source about the link. */
  contact: Contact;
};

/** A hospital recorded that a person was admitted to a bed. */
export type InpatientAdmissionRecordedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of admission. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient was admitted. */
  admittedAt: string;
  /** How the patient came to be admitted. */
  admissionMethod: AdmissionMethod;
  /** The admission method code as the hospital sent it. */
  admissionMethodCode?: string | null;
  /** Where the patient was before the admission. */
  sourceOfAdmission: SourceOfAdmission;
  /** The source of admission code as the hospital sent it. */
  sourceOfAdmissionCode?: string | null;
  /** The class of patient in this stay. */
  patientClass: PatientClass;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** The ward as the trust names it. Ward names can tell a diagnosis. */
  ward?: string | null;
  /** Code of the specialty that treats the patient. It can tell a diagnosis. */
  specialty?: string | null;
  /** When the hospital expects to discharge the patient. */
  expectedDischargeAt?: string | null;
};

/** A hospital withdrew an admission that it had recorded: whoever acted on it should undo that. */
export type InpatientAdmissionVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The stay and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the admission was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the withdrawn admission was said to have happened. */
  admittedAt?: string | null;
  /** How the patient was said to have been admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** How the two came to be one. `merged` two records were merged, `number_changed` a number was replaced by another, `moved` a record was moved under another person. */
export type LinkKind = 'merged' | 'number_changed' | 'moved' | 'UNKNOWN';

/** How far the NHS number was traced, after the NHS Data Dictionary codes 01 to 08 in their order. */
export type NhsNumberStatus = 'verified' | 'not_traced' | 'trace_required' | 'no_match' | 'needs_resolving' | 'in_progress' | 'trace_not_required' | 'trace_postponed' | 'UNKNOWN';

/** What did not happen in time. `not_delivered` the recipient does not have it, `not_acknowledged` it was delivered and nobody there has said that it was seen. */
export type OverdueReason = 'not_delivered' | 'not_acknowledged' | 'UNKNOWN';

/** A date of which only the year, or the year and the month, may be known. */
export type PartialDate = {
  /** YYYY, YYYY-MM or YYYY-MM-DD, as far as it is known. */
  value: string;
  /** The smallest part of the date that is known. */
  precision: DatePrecision;
};

/** What kind of patient the hospital calls the person in this stay (HL7 table 0004). */
export type PatientClass = 'inpatient' | 'day_case' | 'emergency' | 'outpatient' | 'obstetrics' | 'preadmission' | 'recurring' | 'UNKNOWN';

/** A hospital recorded that a person left at the end of a stay. */
export type PatientDischargeRecordedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of discharge. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted: it tells a stay for a birth from others. */
  admissionMethod: AdmissionMethod;
  /** When the patient left. */
  dischargedAt: string;
  /** How the stay ended. */
  dischargeMethod: DischargeMethod;
  /** The discharge method code as the hospital sent it. */
  dischargeMethodCode?: string | null;
  /** Where the patient went. */
  dischargeDestination: DischargeDestination;
  /** The discharge destination code as the hospital sent it. */
  dischargeDestinationCode?: string | null;
  /** The class of patient in this stay. */
  patientClass: PatientClass;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** The ward that the patient left, as the trust names it. Ward names can tell a diagnosis. */
  ward?: string | null;
  /** Code of the specialty that treated the patient. It can tell a diagnosis. */
  specialty?: string | null;
};

/** A hospital withdrew a discharge that it had recorded: the patient is, or may be, still in hospital. */
export type PatientDischargeVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The stay and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the discharge was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** When the withdrawn discharge was said to have happened. */
  dischargedAt?: string | null;
  /** How the patient was said to have been admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A person as the source knows them at the time of the event. Null means not known. */
export type Person = {
  /** The person's name. */
  name?: PersonName | null;
  /** Date of birth, as far as it is known. */
  dateOfBirth?: PartialDate | null;
  /** Sex as recorded by the source. */
  sex: Sex;
  /** Usual address. */
  address?: Address | null;
  /** Identifiers, one field per scheme. */
  identifiers: Identifiers;
  /** ODS code of the general practice where the person is registered. */
  generalPractice?: string | null;
};

/** What the person is in law and practice: who answers for them depends on it. */
export type PersonCategory = 'child' | 'adult' | 'unborn' | 'UNKNOWN';

/** The name that the source uses for the person now. */
export type PersonName = {
  /** Family name. */
  familyName?: string | null;
  /** Given names in order, the first one first. */
  givenNames?: string[] | null;
  /** Title as the source writes it, such as Mr or Dr. */
  title?: string | null;
  /** What follows the name, such as Junior. */
  suffix?: string | null;
  /** What the person likes to be called. */
  preferredName?: string | null;
};

/** How soon an event must be acted on, as in `ce_priority`. `same_day` is written `same-day` there. */
export type Priority = 'immediate' | 'urgent' | 'same_day' | 'routine' | 'UNKNOWN';

/** Sex as the source records it. `indeterminate` means that it could not be determined, not that nobody asked. */
export type Sex = 'female' | 'male' | 'indeterminate' | 'UNKNOWN';

/** Where the patient was before: groups of the national source of admission codes. `usual_residence` 19, `temporary_residence` 29, `penal_establishment_or_court` 37 to 42, `nhs_hospital` 49 to 53, `care_home` 54 to 56, 65, 85 and 86, `foster_care` 66, `born_in_hospital` 79, `other_hospital_or_hospice` 87 and 88. */
export type SourceOfAdmission = 'usual_residence' | 'temporary_residence' | 'penal_establishment_or_court' | 'nhs_hospital' | 'care_home' | 'foster_care' | 'born_in_hospital' | 'other_hospital_or_hospice' | 'UNKNOWN';

/** What is withdrawn, in the trust's own terms: it stands also where the id of the event is not known. */
export type VoidedFact = {
  /** The trust's own number of the hospital stay. */
  visit: string;
  /** The fact about the stay that is withdrawn, such as inpatient-admission. */
  fact: string;
};

/** Why a fact was withdrawn, where the source says so. */
export type VoidedReason = 'cancelled' | 'entered_in_error' | 'wrong_person' | 'duplicate' | 'UNKNOWN';

export type EventData = {
  'uk.causeway.exchange.acknowledgement.recorded.v1': AcknowledgementRecordedV1;
  'uk.causeway.exchange.delivery.overdue.v1': DeliveryOverdueV1;
  'uk.causeway.nhs.identity.linked.v1': IdentityLinkedV1;
  'uk.causeway.nhs.inpatient-admission.recorded.v1': InpatientAdmissionRecordedV1;
  'uk.causeway.nhs.inpatient-admission.voided.v1': InpatientAdmissionVoidedV1;
  'uk.causeway.nhs.patient-discharge.recorded.v1': PatientDischargeRecordedV1;
  'uk.causeway.nhs.patient-discharge.voided.v1': PatientDischargeVoidedV1;
};
