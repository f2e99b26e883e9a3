// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.

/** Who came with the patient, grouped: a child alone or with the police is another matter than one with a parent. */
export type AccompaniedBy = 'parent_or_carer' | 'relative_or_friend' | 'professional' | 'police' | 'nobody' | 'UNKNOWN';

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

/** How far the appointment has come, after the NHS Data Dictionary (attended or did not attend): `attended` 5 and 6, `did_not_attend` 3 and 7. */
export type AppointmentStage = 'booked' | 'attended' | 'did_not_attend' | 'UNKNOWN';

/** How the patient came, grouped from the Emergency Care Data Set (arrival mode). */
export type ArrivalMode = 'ambulance' | 'own_transport_or_walked' | 'police' | 'other' | 'UNKNOWN';

/** Whether the attendance is the first for a complaint, after the NHS Data Dictionary (emergency care attendance category): `first` 1, `follow_up_planned` 2, `follow_up_unplanned` 3. */
export type AttendanceCategory = 'first' | 'follow_up_planned' | 'follow_up_unplanned' | 'UNKNOWN';

/** What kind of care the visit is, as far as the treatment function code or the admission method tells (NHS Data Dictionary, treatment function codes): `maternity` 501, 505, 560 and admission methods 31 and 32, `newborn` 422 and 424 and admission methods 82 and 83, `mental_health` 656 and 700 to 727, `sexual_health` 360, `general` every other code. UNKNOWN where the source sends none, so that an agreement that asks for `general` withholds it. It is here so that an agreement can leave kinds of care out, not to be released. */
export type CareContext = 'general' | 'maternity' | 'newborn' | 'mental_health' | 'sexual_health' | 'UNKNOWN';

/** The national index or a trust says that a person moved (NEMS PDS change of address, HL7 A31 with another address). */
export type ChangeOfAddressNotifiedV1 = {
  /** The person, with the address from now on. */
  person: Person;
  /** Whether the person is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring about it. */
  contact: Contact;
  /** Since when the address holds, as far as it is known. */
  movedOn?: PartialDate | null;
  /** GSS code of the local authority of the address before. */
  previousLocalAuthority?: string | null;
  /** When the source learned of it. */
  notifiedAt: string;
};

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

/** How certain it is, after the PDS death notification status: `formal` 2, the death is registered; `informal` 1, somebody said so; `removed`, an earlier notification is taken back and the person is to be treated as alive. UNKNOWN where the source does not say: nobody should act on it without asking. */
export type DeathNotificationStatus = 'formal' | 'informal' | 'removed' | 'UNKNOWN';

/** A trust or the national index says that a person died, or takes that back (PDS death notification; HL7 PID-29 and PID-30, discharge method 4). */
export type DeathNotifiedV1 = {
  /** The person. */
  person: Person;
  /** Whether the person was a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring about it. */
  contact: Contact;
  /** How certain it is. `removed` takes an earlier notification back. */
  status: DeathNotificationStatus;
  /** When the person died, as far as it is known. */
  dateOfDeath?: PartialDate | null;
  /** Where the person died. */
  placeOfDeath?: string | null;
  /** Cause of death as written by the source. */
  cause?: string | null;
  /** When the source learned of it. */
  notifiedAt: string;
};

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

/** Whether the patient is new to the trust (`registered`, HL7 A28) or was known (`amended`, HL7 A08 and A31). */
export type DemographicAmendment = 'registered' | 'amended' | 'UNKNOWN';

/** A hospital registered a new patient or amended what it knows of one (HL7 A08, A28, A31). */
export type DemographicsAmendedV1 = {
  /** The patient as known from now on. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** Whether the patient is new to the trust. */
  amendment: DemographicAmendment;
  /** Which parts the message says it amends, as paths in this event, such as person.address; null where the source does not say. */
  amended?: string[] | null;
  /** When the trust amended it. */
  amendedAt: string;
};

/** Where the patient went: groups of the national discharge destination codes (HL7 table 0113 in the ITK reference tables). `usual_residence` 19, `temporary_residence` 29, `court` 37, `penal_establishment_or_police` 38, `nhs_hospital` 48 to 53, `nhs_care_home` 54, `local_authority_residential` 65, `local_authority_foster_care` 66, `not_applicable` 79, `other_care` 84 to 88. */
export type DischargeDestination = 'usual_residence' | 'temporary_residence' | 'court' | 'penal_establishment_or_police' | 'nhs_hospital' | 'nhs_care_home' | 'local_authority_residential' | 'local_authority_foster_care' | 'other_care' | 'not_applicable' | 'UNKNOWN';

/** How the stay ended, after the national discharge method codes (HL7 table 0112 in the ITK reference tables): `clinical_advice` 1, `self_or_relative` 2, `tribunal_or_court` 3, `died` 4, `stillbirth` 5. */
export type DischargeMethod = 'clinical_advice' | 'self_or_relative' | 'tribunal_or_court' | 'died' | 'stillbirth' | 'UNKNOWN';

/** A hospital proposes a date of discharge and says whether care needs are indicated (HL7 A16; the assessment and discharge notices of SCCI2075 are its vocabulary). */
export type DischargePlannedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the plan. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted. */
  admissionMethod: AdmissionMethod;
  /** When the hospital proposes to discharge the patient. */
  proposedDischargeAt?: string | null;
  /** Whether the hospital indicates that the person may need care and support after discharge: the assessment notice of SCCI2075 (assessment, discharge and withdrawal notices). */
  careNeedsIndicated?: boolean | null;
  /** Where the patient is to go. */
  plannedDestination: DischargeDestination;
  /** The discharge destination code as the hospital sent it. */
  plannedDestinationCode?: string | null;
  /** What the ward says about the care that may be needed. */
  careNeeds?: string | null;
  /** Whether the patient, or who acts for them, knows that the council is told. */
  patientInformed?: boolean | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** The ward where the patient is, as the trust names it. Ward names can tell a diagnosis. */
  ward?: string | null;
  /** Code of the specialty that treats the patient. It can tell a diagnosis. */
  specialty?: string | null;
};

/** A hospital withdrew a planned discharge (HL7 A25; the withdrawal notice of SCCI2075): the patient stays for now. */
export type DischargePlanVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the plan was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** When the patient was to be discharged. */
  proposedDischargeAt?: string | null;
  /** Whether care needs were indicated, so that the same conditions apply as to what is withdrawn. */
  careNeedsIndicated?: boolean | null;
  /** Where the patient was to go. */
  plannedDestination: DischargeDestination;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A person was registered in an emergency department or urgent treatment centre (HL7 A04). */
export type EmergencyAttendanceRegisteredV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the attendance. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the attendance. */
  visitId: string;
  /** When the patient arrived. */
  attendedAt: string;
  /** Whether the attendance is the first for the complaint. */
  attendanceCategory: AttendanceCategory;
  /** How the patient came. */
  arrivalMode: ArrivalMode;
  /** Who came with the patient. */
  accompaniedBy: AccompaniedBy;
  /** What the patient came for, as the department wrote it. */
  presentingComplaint?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** ODS code of the site. */
  siteCode?: string | null;
};

/** A hospital withdrew an emergency attendance that it had registered (HL7 A11 of an attendance). */
export type EmergencyAttendanceVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the attendance was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient was said to have arrived. */
  attendedAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

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

/** A hospital booked a bed for a person (HL7 A05 for an inpatient, A14). */
export type InpatientAdmissionPlannedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the planned admission. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient is expected. */
  plannedAt?: string | null;
  /** How the patient is to be admitted. */
  admissionMethod: AdmissionMethod;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** The ward as the trust names it. Ward names can tell a diagnosis. */
  ward?: string | null;
  /** Code of the specialty that treats the patient. It can tell a diagnosis. */
  specialty?: string | null;
};

/** A hospital cancelled an admission that it had planned (HL7 A27, A38). */
export type InpatientAdmissionPlanVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the plan was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been expected. */
  plannedAt?: string | null;
  /** How the patient was to be admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
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
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext?: CareContext | null;
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
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext?: CareContext | null;
};

/** A patient left the ward for a time and keeps the bed (HL7 A21). */
export type InpatientLeaveBegunV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted. */
  admissionMethod: AdmissionMethod;
  /** When the patient left the ward. */
  leftAt: string;
  /** When the patient is expected back. */
  expectedReturnAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A patient came back to the ward from leave (HL7 A22). */
export type InpatientLeaveEndedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted. */
  admissionMethod: AdmissionMethod;
  /** When the patient came back. */
  returnedAt: string;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A hospital withdrew a return from leave that it had recorded (HL7 A53). */
export type InpatientLeaveEndVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the record was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** When the patient came back, as it was said. */
  returnedAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A hospital withdrew a leave that it had recorded (HL7 A52). */
export type InpatientLeaveVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the record was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** When the patient left the ward, as it was said. */
  leftAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** A hospital recorded that a patient moved to another ward, site or specialty during a stay (HL7 A02). */
export type InpatientTransferRecordedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the transfer. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the hospital stay. */
  visitId: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted. */
  admissionMethod: AdmissionMethod;
  /** When the patient moved. */
  transferredAt: string;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** Whether the patient moved to another hospital site, so that a recipient can be told without being told which. */
  siteChanged?: boolean | null;
  /** The hospital site that the patient moved to, as the trust names it. */
  site?: string | null;
  /** The ward that the patient moved to, as the trust names it. Ward names can tell a diagnosis. */
  ward?: string | null;
  /** The hospital site that the patient left. */
  previousSite?: string | null;
  /** The ward that the patient left. */
  previousWard?: string | null;
  /** Code of the specialty that treats the patient. It can tell a diagnosis. */
  specialty?: string | null;
};

/** A hospital withdrew a transfer that it had recorded (HL7 A12). */
export type InpatientTransferVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the transfer was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the patient had been admitted. */
  admittedAt?: string | null;
  /** How the patient had come to be admitted, so that the same conditions apply as to what is withdrawn. */
  admissionMethod: AdmissionMethod;
  /** When the withdrawn transfer was said to have happened. */
  transferredAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** Whether the withdrawn transfer was to another hospital site. */
  siteChanged?: boolean | null;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

/** How the two came to be one. `merged` two records were merged, `number_changed` a number was replaced by another, `moved` a record was moved under another person. */
export type LinkKind = 'merged' | 'number_changed' | 'moved' | 'UNKNOWN';

/** How far the NHS number was traced, after the NHS Data Dictionary codes 01 to 08 in their order. */
export type NhsNumberStatus = 'verified' | 'not_traced' | 'trace_required' | 'no_match' | 'needs_resolving' | 'in_progress' | 'trace_not_required' | 'trace_postponed' | 'UNKNOWN';

/** A hospital booked an outpatient appointment or registered the patient for it (HL7 A05 and A04 for an outpatient, SIU S12). */
export type OutpatientAppointmentRecordedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the appointment. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The trust's own number of the appointment. */
  visitId: string;
  /** How far the appointment has come. */
  stage: AppointmentStage;
  /** When the appointment is or was. */
  appointmentAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
  /** The clinic as the trust names it. It can tell a diagnosis. */
  clinic?: string | null;
  /** Code of the specialty that treats the patient. It can tell a diagnosis. */
  specialty?: string | null;
};

/** A hospital cancelled an outpatient appointment (HL7 A38, SIU S15). */
export type OutpatientAppointmentVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** Whom to ring at the hospital. */
  contact: Contact;
  /** The visit and the fact that are withdrawn. */
  voids: VoidedFact;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the appointment was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** How far the appointment had come, so that the same conditions apply as to what is withdrawn. */
  stage: AppointmentStage;
  /** When the appointment was to be. */
  appointmentAt?: string | null;
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext: CareContext;
  /** The hospital site as the trust names it. */
  site?: string | null;
};

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
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext?: CareContext | null;
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
  /** What kind of care it is, so that agreements can leave out maternity, newborns, mental health and sexual health. */
  careContext?: CareContext | null;
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
  'uk.causeway.nhs.change-of-address.notified.v1': ChangeOfAddressNotifiedV1;
  'uk.causeway.nhs.death.notified.v1': DeathNotifiedV1;
  'uk.causeway.nhs.demographics.amended.v1': DemographicsAmendedV1;
  'uk.causeway.nhs.discharge-plan.voided.v1': DischargePlanVoidedV1;
  'uk.causeway.nhs.discharge.planned.v1': DischargePlannedV1;
  'uk.causeway.nhs.emergency-attendance.registered.v1': EmergencyAttendanceRegisteredV1;
  'uk.causeway.nhs.emergency-attendance.voided.v1': EmergencyAttendanceVoidedV1;
  'uk.causeway.nhs.identity.linked.v1': IdentityLinkedV1;
  'uk.causeway.nhs.inpatient-admission-plan.voided.v1': InpatientAdmissionPlanVoidedV1;
  'uk.causeway.nhs.inpatient-admission.planned.v1': InpatientAdmissionPlannedV1;
  'uk.causeway.nhs.inpatient-admission.recorded.v1': InpatientAdmissionRecordedV1;
  'uk.causeway.nhs.inpatient-admission.voided.v1': InpatientAdmissionVoidedV1;
  'uk.causeway.nhs.inpatient-leave-end.voided.v1': InpatientLeaveEndVoidedV1;
  'uk.causeway.nhs.inpatient-leave.begun.v1': InpatientLeaveBegunV1;
  'uk.causeway.nhs.inpatient-leave.ended.v1': InpatientLeaveEndedV1;
  'uk.causeway.nhs.inpatient-leave.voided.v1': InpatientLeaveVoidedV1;
  'uk.causeway.nhs.inpatient-transfer.recorded.v1': InpatientTransferRecordedV1;
  'uk.causeway.nhs.inpatient-transfer.voided.v1': InpatientTransferVoidedV1;
  'uk.causeway.nhs.outpatient-appointment.recorded.v1': OutpatientAppointmentRecordedV1;
  'uk.causeway.nhs.outpatient-appointment.voided.v1': OutpatientAppointmentVoidedV1;
  'uk.causeway.nhs.patient-discharge.recorded.v1': PatientDischargeRecordedV1;
  'uk.causeway.nhs.patient-discharge.voided.v1': PatientDischargeVoidedV1;
};
