// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.

/** Who came with the patient, grouped: a child alone or with the police is another matter than one with a parent. */
export type AccompaniedBy = 'parent_or_carer' | 'relative_or_friend' | 'professional' | 'police' | 'nobody' | 'UNKNOWN';

/** A recipient acknowledged an event: it was seen, accepted, is not for that organisation, or cannot be acted on. Published by the recipient, released only to the organisation whose event it answers (`ce_inresponseto`). It has no data about the person. */
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
  /** When the recipient reported it. */
  recordedAt: string;
  /** The telephone contact at the recipient. */
  contact: Contact;
};

/** What the recipient reports about the event. `seen` a person or system of the recipient has it, `accepted` the recipient acts on it, `not_ours` another organisation or area is responsible (written `not-ours` at the gateway), `unable` the recipient cannot act on it. */
export type AcknowledgementState = 'seen' | 'accepted' | 'not_ours' | 'unable' | 'UNKNOWN';

/** A postal address in the United Kingdom. Every part of it is withheld for a person who is shielded. */
export type Address = {
  /** Address lines without the postcode, from the house outwards. */
  lines?: string[] | null;
  /** Postcode in capitals with one space before the last three characters. ZZ99 pseudo-postcodes mean that there is no fixed or known address. */
  postcode?: string | null;
  /** Unique Property Reference Number, without leading zeros. */
  uprn?: string | null;
  /** GSS code of the local authority of the address. */
  localAuthority?: string | null;
};

/** How the patient came to be admitted: the groups of the national admission method codes (HL7 table 0007 in the ITK reference tables). `elective` 11 to 13, `emergency` 21 to 28 with their letter codes, `maternity` 31 and 32, `transfer` 81, `birth` 82 and 83. Class, ward, specialty, source of admission and discharge method may say maternity or birth under another code: then they count. */
export type AdmissionMethod = 'elective' | 'emergency' | 'maternity' | 'transfer' | 'birth' | 'UNKNOWN';

/** The council opened a case of antisocial behaviour. One event for each person harmed. */
export type AntisocialBehaviourCaseOpenedV1 = {
  /** The person harmed, who is protected by the case. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the case was opened. */
  openedAt: string;
  /** What kind of behaviour it is. */
  behaviour: AntisocialBehaviourKind;
  /** The risk to the person harmed. */
  risk: AntisocialBehaviourRisk;
  /** Where it happens. */
  incidentLocation?: Address | null;
  /** Whether staff should not visit alone. Such a mark is to be reviewed. */
  staffSafetyConcern?: boolean | null;
  /** When the case, and any mark in it, is to be reviewed. */
  reviewDate?: string | null;
  /** What happens. */
  summary?: string | null;
  /** The person alleged to behave so. */
  personAlleged?: Person | null;
  /** Who complained, where that is not the person harmed. */
  informant?: Person | null;
};

/** The council withdrew a case of antisocial behaviour. */
export type AntisocialBehaviourCaseVoidedV1 = {
  /** The person who was said to be harmed. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the case was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** What kind of behaviour it was said to be, so that the same conditions apply as to what is withdrawn. */
  behaviour: AntisocialBehaviourKind;
  /** The risk that had been graded, so that the same conditions apply as to what is withdrawn. */
  risk: AntisocialBehaviourRisk;
};

/** The three kinds of antisocial behaviour of the national standard for incident recording: aimed at a person, a nuisance to a community, harm to surroundings. */
export type AntisocialBehaviourKind = 'personal' | 'nuisance' | 'environmental' | 'UNKNOWN';

/** The risk to the person harmed, as the matrix of the case system grades it. */
export type AntisocialBehaviourRisk = 'standard' | 'medium' | 'high' | 'UNKNOWN';

/** How far the appointment has come, after the NHS Data Dictionary (attended or did not attend): `attended` 5 and 6, `did_not_attend` 3 and 7. */
export type AppointmentStage = 'booked' | 'attended' | 'did_not_attend' | 'UNKNOWN';

/** How the patient came, grouped from the Emergency Care Data Set (arrival mode). */
export type ArrivalMode = 'ambulance' | 'own_transport_or_walked' | 'police' | 'other' | 'UNKNOWN';

/** Whether the event states what happened or an opinion: Data Protection Act 2018, section 38, wants the two told apart. `fact` was seen, said or recorded as having happened; `assessment` is an opinion, such as a grading or a concern. */
export type AssertionKind = 'fact' | 'assessment' | 'UNKNOWN';

/** Whether the attendance is the first for a complaint, after the NHS Data Dictionary (emergency care attendance category): `first` 1, `follow_up_planned` 2, `follow_up_unplanned` 3. */
export type AttendanceCategory = 'first' | 'follow_up_planned' | 'follow_up_unplanned' | 'UNKNOWN';

/** The national index says that a child was born (NEMS PDS birth notification). It is sent once and never withdrawn: what was wrong is put right by amending the record. */
export type BirthNotifiedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact for it. */
  contact: Contact;
  /** Who gave birth, as far as the notification says. */
  mother?: Person | null;
  /** How the birth ended. */
  outcome: BirthOutcome;
  /** Position among the births of one delivery: 2 for the second twin. */
  birthOrder?: number | null;
  /** When the child was born, where the time is known. */
  bornAt?: string | null;
  /** When the source learned of it. */
  notifiedAt: string;
};

/** How the birth ended, after the stillborn indicator of the birth notification: `live` 1, `stillborn` every other code. UNKNOWN where it does not say: confirm before acting on it. */
export type BirthOutcome = 'live' | 'stillborn' | 'UNKNOWN';

/** What kind of care the visit is, as far as the treatment function code or the admission method tells (NHS Data Dictionary, treatment function codes): `maternity` 501, 505, 560 and admission methods 31 and 32, `newborn` 422 and 424 and admission methods 82 and 83, `mental_health` 656 and 700 to 727, `sexual_health` 360, `general` every other code. An emergency attendance without a code is `general`; elsewhere UNKNOWN where the source sends none, so that an agreement that asks for `general` withholds it. It is here so that an agreement can leave kinds of care out, not to be released. */
export type CareContext = 'general' | 'maternity' | 'newborn' | 'mental_health' | 'sexual_health' | 'UNKNOWN';

/** An episode of care of a looked-after child began: the child came into care, or placement or legal status changed. The names follow the standard safeguarding dataset. */
export type CareEpisodeBegunV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the episode began (DECOM of SSDA903). */
  episodeStartDate: string;
  /** Why the episode began (RNE). Code of the looked-after children return (SSDA903, Department for Education). */
  episodeStartReason?: string | null;
  /** Whether the child starts to be looked after with it (RNE S). */
  startsLookedAfter?: boolean | null;
  /** On what the care rests. */
  legalStatus: CareLegalStatus;
  /** On what the care rests (LS). Code of the looked-after children return (SSDA903, Department for Education). */
  legalStatusCode?: string | null;
  /** What kind of placement it is (PLACE). Code of the looked-after children return (SSDA903, Department for Education). */
  placementType?: string | null;
  /** Who provides the placement (PLACE_PROVIDER). Code of the looked-after children return (SSDA903, Department for Education). */
  placementProvider?: string | null;
  /** Postcode of the placement (PL_POST of SSDA903). */
  placementPostcode?: string | null;
  /** GSS code of the local authority of the placement. */
  placementLocalAuthority?: string | null;
  /** The team that has the case. */
  allocatedTeam?: string | null;
};

/** The council recorded an episode of care otherwise than it had said: the event has the whole episode as it stands now. That it began, ended or was withdrawn are events of their own. */
export type CareEpisodeCorrectedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is corrected, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** When the episode began (DECOM of SSDA903). */
  episodeStartDate: string;
  /** Why the episode began (RNE). Code of the looked-after children return (SSDA903, Department for Education). */
  episodeStartReason?: string | null;
  /** Whether the child starts to be looked after with it (RNE S). */
  startsLookedAfter?: boolean | null;
  /** On what the care rests. */
  legalStatus: CareLegalStatus;
  /** On what the care rests (LS). Code of the looked-after children return (SSDA903, Department for Education). */
  legalStatusCode?: string | null;
  /** What kind of placement it is (PLACE). Code of the looked-after children return (SSDA903, Department for Education). */
  placementType?: string | null;
  /** Who provides the placement (PLACE_PROVIDER). Code of the looked-after children return (SSDA903, Department for Education). */
  placementProvider?: string | null;
  /** Postcode of the placement (PL_POST of SSDA903). */
  placementPostcode?: string | null;
  /** GSS code of the local authority of the placement. */
  placementLocalAuthority?: string | null;
  /** The team that has the case. */
  allocatedTeam?: string | null;
  /** When the episode ended (DEC of SSDA903). */
  episodeEndDate?: string | null;
  /** Why the episode ended (REC). Code of the looked-after children return (SSDA903, Department for Education). */
  episodeEndReason?: string | null;
  /** Whether the child ceases to be looked after with it; false where another episode follows (REC X1). */
  ceasesLookedAfter?: boolean | null;
};

/** An episode of care ended: the child left care, or another episode follows. */
export type CareEpisodeEndedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the episode began (DECOM of SSDA903). */
  episodeStartDate?: string | null;
  /** When the episode ended (DEC of SSDA903). */
  episodeEndDate: string;
  /** Why the episode ended (REC). Code of the looked-after children return (SSDA903, Department for Education). */
  episodeEndReason?: string | null;
  /** Whether the child ceases to be looked after with it; false where another episode follows (REC X1). */
  ceasesLookedAfter?: boolean | null;
  /** On what the care rested. */
  legalStatus: CareLegalStatus;
  /** The team that has the case from now on, if one has. */
  allocatedTeam?: string | null;
};

/** The council withdrew that an episode of care had ended: the child is still in it. */
export type CareEpisodeEndVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the end was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the episode was said to have ended. */
  episodeEndDate?: string | null;
  /** Whether the child was said to cease to be looked after with it, so that the same conditions apply as to what is withdrawn. */
  ceasesLookedAfter?: boolean | null;
  /** On what the care rests, so that the same conditions apply as to what is withdrawn. */
  legalStatus: CareLegalStatus;
};

/** The council withdrew an episode of care. */
export type CareEpisodeVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the episode was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the episode was said to have begun. */
  episodeStartDate?: string | null;
  /** Whether the child was said to start to be looked after with it, so that the same conditions apply as to what is withdrawn. */
  startsLookedAfter?: boolean | null;
  /** On what the care was said to rest, so that the same conditions apply as to what is withdrawn. */
  legalStatus: CareLegalStatus;
};

/** On what the care rests, grouped from the legal status codes (LS) of SSDA903: `interim_care_order` C1, `care_order` C2, `freed_or_placement_order` D1 and E1, `single_accommodation` V2 (section 20), `short_breaks` V3 and V4, `emergency_or_police_protection` L1 to L3, `remand_or_criminal` J1 to J3. */
export type CareLegalStatus = 'interim_care_order' | 'care_order' | 'freed_or_placement_order' | 'single_accommodation' | 'short_breaks' | 'emergency_or_police_protection' | 'remand_or_criminal' | 'UNKNOWN';

/** Category of abuse of the Children in need census: NEG neglect, PHY physical, SAB sexual, EMO emotional, MUL more than one. */
export type CategoryOfAbuse = 'NEG' | 'PHY' | 'SAB' | 'EMO' | 'MUL' | 'UNKNOWN';

/** The national index or a trust says that a person moved (NEMS PDS change of address, HL7 A31 with another address). */
export type ChangeOfAddressNotifiedV1 = {
  /** The person, with the address from now on. */
  person: Person;
  /** Whether the person is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact for it. */
  contact: Contact;
  /** Since when the address holds, as far as it is known. */
  movedOn?: PartialDate | null;
  /** GSS code of the local authority of the address before. */
  previousLocalAuthority?: string | null;
  /** When the source learned of it. */
  notifiedAt: string;
};

/** A child of the household or at the scene. Operation Encompass passes name, date of birth, presence and voice. */
export type ChildAtIncident = {
  /** The child. */
  person: Person;
  /** Where the child was while it happened. */
  presence: ChildPresence;
  /** Whether an officer saw the child and checked how it is. */
  seenByOfficer?: boolean | null;
  /** The school that the child attends, as far as the police know it. */
  school?: string | null;
  /** What the child said or showed, in its own words where possible. */
  voice?: string | null;
};

/** The council recorded otherwise than it had said when or how a child was missing from care: the event has the whole of it as it stands now. */
export type ChildMissingFromCareCorrectedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is corrected, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** Whether the child is missing or away without authorisation. */
  missingKind: MissingFromCareKind;
  /** Since when the child is missing (MIS_START of SSDA903). */
  missingEpisodeStartDate: string;
  /** Since when the child is missing, where the time is known. */
  missingSinceAt?: string | null;
  /** GSS code of the local authority of the placement. */
  placementLocalAuthority?: string | null;
  /** Whether the police were told. */
  reportedToPolice?: boolean | null;
  /** What the police call the case. */
  policeReference?: string | null;
  /** How the child came to be missing. */
  circumstances?: string | null;
  /** When it ended (MIS_END of SSDA903). */
  missingEpisodeEndDate?: string | null;
  /** Whether a return home interview was offered. */
  returnInterviewOffered?: boolean | null;
  /** Whether the child accepted it. */
  returnInterviewAccepted?: boolean | null;
};

/** A child who was missing from care came back or was found. */
export type ChildMissingFromCareEndedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Whether the child was missing or away without authorisation. */
  missingKind: MissingFromCareKind;
  /** Since when the child was missing (MIS_START of SSDA903). */
  missingEpisodeStartDate?: string | null;
  /** When it ended (MIS_END of SSDA903). */
  missingEpisodeEndDate: string;
  /** Whether a return home interview was offered. */
  returnInterviewOffered?: boolean | null;
  /** Whether the child accepted it. */
  returnInterviewAccepted?: boolean | null;
  /** What the police call the case. */
  policeReference?: string | null;
};

/** The council withdrew that a child had come back: the child is, or may be, still missing. */
export type ChildMissingFromCareEndVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the end was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** Whether the child is missing or away without authorisation, so that the same conditions apply as to what is withdrawn. */
  missingKind: MissingFromCareKind;
  /** When it was said to have ended. */
  missingEpisodeEndDate?: string | null;
};

/** A looked-after child is missing from the placement or away without authorisation. */
export type ChildMissingFromCareReportedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Whether the child is missing or away without authorisation. */
  missingKind: MissingFromCareKind;
  /** Since when the child is missing (MIS_START of SSDA903). */
  missingEpisodeStartDate: string;
  /** Since when the child is missing, where the time is known. */
  missingSinceAt?: string | null;
  /** GSS code of the local authority of the placement. */
  placementLocalAuthority?: string | null;
  /** Whether the police were told. */
  reportedToPolice?: boolean | null;
  /** What the police call the case. */
  policeReference?: string | null;
  /** How the child came to be missing. */
  circumstances?: string | null;
};

/** The council withdrew that a child was missing from care. */
export type ChildMissingFromCareReportVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the report was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** What had been reported, so that the same conditions apply as to what is withdrawn. */
  missingKind: MissingFromCareKind;
  /** Since when the child was said to be missing. */
  missingEpisodeStartDate?: string | null;
};

/** Where the child was while it happened. */
export type ChildPresence = 'in_the_room' | 'in_the_home' | 'elsewhere' | 'UNKNOWN';

/** A child, or an unborn child, became subject to a child protection plan. */
export type ChildProtectionPlanBegunV1 = {
  /** The child. Of an unborn child the name and the expected date, as far as they are known. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** What kind of plan it is. */
  planType: PlanType;
  /** When the plan began (CPPstartDate of the Children in need census). */
  cppStartDate: string;
  /** Category of abuse when the plan began. */
  initialCategoryOfAbuse: CategoryOfAbuse;
  /** When an unborn child is expected. */
  expectedDateOfDelivery?: string | null;
  /** When the plan is to be reviewed. */
  nextReviewDate?: string | null;
  /** The team that has the case. */
  allocatedTeam?: string | null;
  /** Of an unborn child the mother, who is the one that a hospital meets. */
  mother?: Person | null;
};

/** The council recorded a child protection plan otherwise than it had said: the event has the whole plan as it stands now. That it began, ended or was withdrawn are events of their own. */
export type ChildProtectionPlanCorrectedV1 = {
  /** The child. Of an unborn child the name and the expected date, as far as they are known. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is corrected, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** What kind of plan it is. */
  planType: PlanType;
  /** When the plan began (CPPstartDate of the Children in need census). */
  cppStartDate: string;
  /** Category of abuse when the plan began. */
  initialCategoryOfAbuse: CategoryOfAbuse;
  /** When an unborn child is expected. */
  expectedDateOfDelivery?: string | null;
  /** When the plan is to be reviewed. */
  nextReviewDate?: string | null;
  /** The team that has the case. */
  allocatedTeam?: string | null;
  /** Of an unborn child the mother, who is the one that a hospital meets. */
  mother?: Person | null;
  /** When the plan ended (CPPendDate of the Children in need census). */
  cppEndDate?: string | null;
  /** Category of abuse when the plan ended. */
  latestCategoryOfAbuse?: CategoryOfAbuse | null;
};

/** A child is no longer subject to a child protection plan. */
export type ChildProtectionPlanEndedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** What kind of plan it was. */
  planType: PlanType;
  /** When the plan began (CPPstartDate of the Children in need census). */
  cppStartDate?: string | null;
  /** When the plan ended (CPPendDate of the Children in need census). */
  cppEndDate: string;
  /** Category of abuse when the plan ended. */
  latestCategoryOfAbuse: CategoryOfAbuse;
  /** The team that has the case from now on, if one has. */
  allocatedTeam?: string | null;
};

/** The council withdrew that a child protection plan had ended: the child is still subject to it. */
export type ChildProtectionPlanEndVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the end was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** What kind of plan it is, so that the same conditions apply as to what is withdrawn. */
  planType: PlanType;
  /** When the plan was said to have ended. */
  cppEndDate?: string | null;
};

/** The council withdrew that a child protection plan had begun. */
export type ChildProtectionPlanVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the plan was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** What kind of plan it was said to be, so that the same conditions apply as to what is withdrawn. */
  planType: PlanType;
  /** When the plan was said to have begun. */
  cppStartDate?: string | null;
};

/** A constable took a child into police protection (Children Act 1989, section 46), for 72 hours at most. */
export type ChildProtectionPowerUsedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the child was taken into police protection. */
  takenAt: string;
  /** When the protection ends at the latest: 72 hours later. */
  expiresAt: string;
  /** Where the child is, in kind. */
  accommodation: ProtectionAccommodation;
  /** Where the child is. Mostly not to be told to parents. */
  accommodationAddress?: Address | null;
  /** Whether those with parental responsibility were told, as section 46(4) demands. */
  parentsInformed?: boolean | null;
  /** Rank and office of the designated officer, not the name. */
  designatedOfficer?: string | null;
  /** Why the child was likely to suffer significant harm. */
  circumstances?: string | null;
  /** The person alleged to have caused harm. */
  personAlleged?: Person | null;
  /** Who told the police. */
  informant?: Person | null;
};

/** The police withdrew that a child was taken into police protection. */
export type ChildProtectionPowerVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the record was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the child was said to have been taken into police protection. */
  takenAt?: string | null;
};

/** Why the report is shared although an adult did not agree or was not asked, after the Care and support statutory guidance (14.90 and following) and the ICO data sharing code. */
export type ConsentOverride = 'vital_interests' | 'lacks_capacity' | 'others_at_risk' | 'child_at_risk' | 'coercion_suspected' | 'serious_crime' | 'legal_duty' | 'asking_unsafe' | 'UNKNOWN';

/** Whether an adult agreed that the report is shared. `not_applicable` for a child: safeguarding a child does not rest on agreement. */
export type ConsentState = 'agreed' | 'not_agreed' | 'not_asked' | 'not_applicable' | 'UNKNOWN';

/** The telephone contact for this event. An office, never a person's own number, and part of every release. */
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

/** How the person was taken there. */
export type Conveyance = 'ambulance' | 'police_vehicle' | 'other' | 'UNKNOWN';

/** Why a fact was corrected, where the source says so. */
export type CorrectionReason = 'decided_again' | 'entered_in_error' | 'new_information' | 'UNKNOWN';

/** What the person is to the police in this event: Data Protection Act 2018, section 38, wants the categories told apart. `other` another person in contact with the police, such as a missing person. */
export type DataSubjectCategory = 'suspect' | 'convicted' | 'victim' | 'witness' | 'other' | 'UNKNOWN';

/** How much of a partial date is known. */
export type DatePrecision = 'day' | 'month' | 'year' | 'UNKNOWN';

/** How certain it is, after the PDS death notification status: `formal` 2, the death is registered; `informal` 1, it was reported; `removed`, an earlier notification is withdrawn and the person is to be treated as alive. UNKNOWN where the source does not say: confirm before acting on it. */
export type DeathNotificationStatus = 'formal' | 'informal' | 'removed' | 'UNKNOWN';

/** A trust or the national index says that a person died, or takes that back (PDS death notification; HL7 PID-29 and PID-30, discharge method 4). */
export type DeathNotifiedV1 = {
  /** The person. */
  person: Person;
  /** Whether the person was a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact for it. */
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

/** An event did not reach its recipient in time, or the recipient did not acknowledge it by its act-by time. Released only to the organisation whose event it is (`ce_inresponseto`), so that it can telephone. It has no data about the person. */
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
  /** The telephone contact at the recipient: the duty contact for the time of this notice. */
  contact: Contact;
};

/** Whether the patient is new to the trust (`registered`, HL7 A28) or was known (`amended`, HL7 A08 and A31). */
export type DemographicAmendment = 'registered' | 'amended' | 'UNKNOWN';

/** A hospital registered a new patient or amended what it knows of one (HL7 A08, A28, A31), or the national index did (PDS change of GP, PDS record change). */
export type DemographicsAmendedV1 = {
  /** The patient as known from now on. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact for it. */
  contact: Contact;
  /** Whether the patient is new to the trust. */
  amendment: DemographicAmendment;
  /** Which parts the message says it amends, as paths in this event, such as person.address; null where the source does not say. */
  amended?: string[] | null;
  /** When the source amended it. */
  amendedAt: string;
};

/** The power that officers used (Mental Health Act 1983): `section_136` removal from where the person was, `section_135` by warrant. */
export type DetentionPower = 'section_136' | 'section_135' | 'UNKNOWN';

/** Where the patient went: groups of the national discharge destination codes (HL7 table 0113 in the ITK reference tables; 40, 42, 55 and 56 from the NHS Data Dictionary). `usual_residence` 19, `temporary_residence` 29, `court` 37, `penal_establishment_or_police` 38, 40 and 42, `nhs_hospital` 48 to 53, `nhs_care_home` 54, `local_authority_residential` 65, `local_authority_foster_care` 66, `not_applicable` 79, `other_care` 55, 56 and 84 to 88. */
export type DischargeDestination = 'usual_residence' | 'temporary_residence' | 'court' | 'penal_establishment_or_police' | 'nhs_hospital' | 'nhs_care_home' | 'local_authority_residential' | 'local_authority_foster_care' | 'other_care' | 'not_applicable' | 'UNKNOWN';

/** How the stay ended, after the national discharge method codes (HL7 table 0112 in the ITK reference tables): `clinical_advice` 1, `self_or_relative` 2, `tribunal_or_court` 3, `died` 4, `stillbirth` 5. */
export type DischargeMethod = 'clinical_advice' | 'self_or_relative' | 'tribunal_or_court' | 'died' | 'stillbirth' | 'UNKNOWN';

/** A hospital proposes a date of discharge and says whether care needs are indicated (HL7 A16; the assessment and discharge notices of SCCI2075 are its vocabulary). */
export type DischargePlannedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the plan. */
  personCategory: PersonCategory;
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** Officers attended a domestic abuse incident and finalised the risk assessment. Children in the household are victims in their own right (Domestic Abuse Act 2021, section 3); schools are told under Operation Encompass before the next school day. */
export type DomesticAbuseIncidentAttendedV1 = {
  /** The person at risk. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the case, unique within its system. */
  caseReference: string;
  /** When officers attended. */
  attendedAt: string;
  /** The risk as the officer assessed it. An assessment, whatever the event as a whole is. */
  riskGrade: DomesticAbuseRisk;
  /** Whether children live in the household or were there. */
  childrenInvolved: boolean;
  /** Children who live in the household or were there, one entry each. */
  children: ChildAtIncident[];
  /** Where it happened. */
  incidentLocation?: Address | null;
  /** What happened, as the officer wrote it. */
  circumstances?: string | null;
  /** The person alleged to have caused harm. */
  personAlleged?: Person | null;
  /** Who told the police. */
  informant?: Person | null;
  /** Whether the case goes to a multi-agency risk assessment conference. */
  marac?: boolean | null;
};

/** The police withdrew a domestic abuse incident, such as one recorded for the wrong household. */
export type DomesticAbuseIncidentVoidedV1 = {
  /** The person who was said to be at risk. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the incident was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When officers were said to have attended. */
  attendedAt?: string | null;
  /** The risk that had been assessed, so that the same conditions apply as to what is withdrawn. */
  riskGrade: DomesticAbuseRisk;
  /** Whether children had been involved, so that the same conditions apply as to what is withdrawn. */
  childrenInvolved: boolean;
};

/** The risk as the officer assessed it: the three grades of the DASH risk model (domestic abuse, stalking and harassment). */
export type DomesticAbuseRisk = 'standard' | 'medium' | 'high' | 'UNKNOWN';

/** A person was registered in an emergency department or urgent treatment centre (HL7 A04). */
export type EmergencyAttendanceRegisteredV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the attendance. */
  personCategory: PersonCategory;
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** Whether the council enquires alone or together with the police. */
export type EnquiryKind = 'single_agency' | 'joint' | 'UNKNOWN';

/** Who found the person. */
export type FoundBy = 'police' | 'returned_alone' | 'family_or_friend' | 'carer_or_professional' | 'public' | 'UNKNOWN';

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

/** A hospital or national index found that two records or numbers are one person: a merge (HL7 A40) or a change of number. Read by the exchange and the console only and never released: a link can betray an adoption or a protected identity. It names no person. `ce_subject` and `ce_tokens` are those of the identity that continues, `ce_othertokens` those of the identity that was retired. */
export type IdentityLinkedV1 = {
  /** How the two came to be one. */
  linkKind: LinkKind;
  /** Which kinds of identifier changed, such as hospital-number or nhs; never the numbers. */
  schemes: string[];
  /** When the source linked them. */
  linkedAt: string;
  /** The telephone contact at the source for the link. */
  contact: Contact;
};

/** A hospital booked a bed for a person (HL7 A05 for an inpatient, A14). */
export type InpatientAdmissionPlannedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the planned admission. */
  personCategory: PersonCategory;
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** A hospital withdrew an admission that it had recorded: recipients that acted on it should undo that. */
export type InpatientAdmissionVoidedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** How the missing person was found. */
export type LocatedOutcome = 'safe' | 'harmed' | 'dead' | 'UNKNOWN';

/** Officers took a person to a place of safety under the Mental Health Act 1983. */
export type MentalHealthDetentionMadeV1 = {
  /** The person detained. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the case, unique within its system. */
  caseReference: string;
  /** The power that officers used. */
  powerUsed: DetentionPower;
  /** When the person was detained. */
  detainedAt: string;
  /** When the person arrived at the place of safety, from which the 24 hours of section 136(2A) run. */
  arrivedAt?: string | null;
  /** What kind of place the person was taken to. */
  placeOfSafety: PlaceOfSafety;
  /** Which place it is. */
  placeOfSafetySite?: string | null;
  /** How the person was taken there. */
  conveyance: Conveyance;
  /** Whether a professional was consulted before, as section 136(1C) asks where practicable. */
  adviceSought?: boolean | null;
  /** Whether the person seemed to be under the influence of alcohol or drugs. */
  intoxicated?: boolean | null;
  /** Why officers used the power. */
  circumstances?: string | null;
};

/** The police withdrew that a person was detained. */
export type MentalHealthDetentionVoidedV1 = {
  /** The person who was said to be detained. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the record was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** The power that officers used. */
  powerUsed: DetentionPower;
  /** When the person was said to have been detained. */
  detainedAt?: string | null;
};

/** MISSING of SSDA903: `missing` M, `away_without_authorisation` A, known to be somewhere else than the placement. */
export type MissingFromCareKind = 'missing' | 'away_without_authorisation' | 'UNKNOWN';

/** A missing person was found or came back. */
export type MissingPersonLocatedV1 = {
  /** The person who was missing. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the person was found. */
  locatedAt: string;
  /** Who found the person. */
  foundBy: FoundBy;
  /** How the person was found. */
  outcome: LocatedOutcome;
  /** Where the person was found. */
  whereFound?: string | null;
  /** The risk that had been recorded. */
  risk: MissingRisk;
  /** Whether the person is missing from a placement by a local authority. */
  fromCare?: boolean | null;
  /** GSS code of the local authority that placed the person, where they are in care. */
  placingAuthority?: string | null;
  /** Whether the police fear that the person is exploited. */
  exploitationConcern?: boolean | null;
  /** By when the council offers the child a return home interview: 72 hours after the return, by statutory guidance. */
  returnInterviewDueAt?: string | null;
  /** What is known of the time while the person was missing. */
  circumstances?: string | null;
};

/** The police withdrew that a missing person was found: the person is, or may be, still missing. */
export type MissingPersonLocationVoidedV1 = {
  /** The person who is missing. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the record was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the person was said to have been found. */
  locatedAt?: string | null;
  /** How the person was said to have been found. */
  outcome: LocatedOutcome;
  /** The risk that had been recorded, so that the same conditions apply as to what is withdrawn. */
  risk: MissingRisk;
  /** Whether the person is missing from a placement by a local authority. */
  fromCare?: boolean | null;
  /** GSS code of the local authority that placed the person, where they are in care. */
  placingAuthority?: string | null;
};

/** The police opened a record of a missing person. */
export type MissingPersonReportedV1 = {
  /** The missing person. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the police were told. */
  reportedAt: string;
  /** The risk that the police saw at the time of the event. */
  risk: MissingRisk;
  /** When the person was last seen, as far as it is known. */
  lastSeenAt?: string | null;
  /** Where the person was last seen, no finer than a district or an outcode. */
  lastSeenArea?: string | null;
  /** Where exactly the person was last seen. */
  lastSeenPlace?: Address | null;
  /** What the person looks like and wears. */
  description?: string | null;
  /** Whether the person is missing from a placement by a local authority. */
  fromCare?: boolean | null;
  /** GSS code of the local authority that placed the person, where they are in care. */
  placingAuthority?: string | null;
  /** Whether the police fear that the person is exploited. */
  exploitationConcern?: boolean | null;
  /** What a finder of the person must know about their health. */
  medicalNeeds?: string | null;
  /** How the person came to be missing. */
  circumstances?: string | null;
  /** Who told the police. */
  informant?: Person | null;
};

/** The police withdrew a missing person report, such as one made for the wrong person. */
export type MissingPersonReportVoidedV1 = {
  /** The person who was reported missing. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the report was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** The risk that had been recorded, so that the same conditions apply as to what is withdrawn. */
  risk: MissingRisk;
  /** Whether the person is missing from a placement by a local authority. */
  fromCare?: boolean | null;
  /** GSS code of the local authority that placed the person, where they are in care. */
  placingAuthority?: string | null;
};

/** How great the risk to the missing person is, after the College of Policing (authorised professional practice, missing persons): `none` no apparent risk. */
export type MissingRisk = 'none' | 'low' | 'medium' | 'high' | 'UNKNOWN';

/** How far the NHS number was traced, after the NHS Data Dictionary codes 01 to 08 in their order. */
export type NhsNumberStatus = 'verified' | 'not_traced' | 'trace_required' | 'no_match' | 'needs_resolving' | 'in_progress' | 'trace_not_required' | 'trace_postponed' | 'UNKNOWN';

/** A hospital booked an outpatient appointment or registered the patient for it (HL7 A05 and A04 for an outpatient, SIU S12). */
export type OutpatientAppointmentRecordedV1 = {
  /** The patient. */
  person: Person;
  /** Whether the patient is a child or an adult, by the date of birth at the time of the appointment. */
  personCategory: PersonCategory;
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** What did not happen in time. `not_delivered` the recipient does not have it, `not_acknowledged` it was delivered and the recipient has not reported that it was seen. */
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
  /** The telephone contact at the hospital. */
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
  /** The telephone contact at the hospital. */
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

/** What kind of place the person was taken to. */
export type PlaceOfSafety = 'emergency_department' | 'health_based_place_of_safety' | 'police_station' | 'private_premises' | 'other' | 'UNKNOWN';

/** What kind of plan it is, after the Child Protection Information Sharing system: `child_protection_plan` CPP, `unborn_child_protection_plan` UCP. */
export type PlanType = 'child_protection_plan' | 'unborn_child_protection_plan' | 'UNKNOWN';

/** Main reason why a child needs services: PrimaryNeedCode of the Children in need census. N1 abuse or neglect, N2 the child's disability or illness, N3 a parent's disability or illness, N4 family in acute stress, N5 family dysfunction, N6 socially unacceptable behaviour, N7 low income, N8 absent parenting, N9 cases other than children in need. N0 (not stated) is UNKNOWN. */
export type PrimaryNeedCode = 'N1' | 'N2' | 'N3' | 'N4' | 'N5' | 'N6' | 'N7' | 'N8' | 'N9' | 'UNKNOWN';

/** How soon an event must be acted on, as in `ce_priority`. `same_day` is written `same-day` there. */
export type Priority = 'immediate' | 'urgent' | 'same_day' | 'routine' | 'UNKNOWN';

/** Where the child is, in kind. */
export type ProtectionAccommodation = 'local_authority' | 'relative_or_friend' | 'hospital' | 'police_premises' | 'stays_where_found' | 'UNKNOWN';

/** What the council decided about a referral. `assessment` under section 17 or the Care Act, `enquiry` under section 47 or 42, `early_help` services without a social worker, `signposted` to another service, `already_open` to a team that was told, `not_ours` another authority is responsible, `no_further_action`. */
export type ReferralOutcome = 'assessment' | 'enquiry' | 'early_help' | 'signposted' | 'already_open' | 'not_ours' | 'no_further_action' | 'UNKNOWN';

/** Who referred, grouped from the ReferralSource codes of the Children in need census (Department for Education): `individual` 1A to 1D, `school_or_education` 2A and 2B, `health` 3A to 3D and 3F, `emergency_department` 3E, `housing` 4, `local_authority` 5A to 5D, `police` 6, `other_legal` 7, `other` 8, `anonymous` 9. */
export type ReferralSource = 'individual' | 'school_or_education' | 'health' | 'emergency_department' | 'housing' | 'local_authority' | 'police' | 'other_legal' | 'other' | 'anonymous' | 'UNKNOWN';

/** The council accepted a referral about a child or an adult and took on a duty. A local authority decides on a referral within one working day (Working together to safeguard children). */
export type SafeguardingReferralAcceptedV1 = {
  /** The person referred. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the council received the referral (CINreferralDate of the Children in need census). */
  referralDate: string;
  /** Who referred, grouped. */
  referralSource: ReferralSource;
  /** ReferralSource code of the Children in need census as the council recorded it. */
  referralSourceCode?: string | null;
  /** Main reason why a child needs services; null for an adult. */
  primaryNeedCode?: PrimaryNeedCode | null;
  /** The provision under which the council takes it on. */
  duty: StatutoryDuty;
  /** When the council accepted it. */
  acceptedAt: string;
  /** The team that has the case. */
  allocatedTeam?: string | null;
  /** Why the person was referred. */
  summary?: string | null;
  /** Who referred, where that is a private person. */
  informant?: Person | null;
};

/** The council recorded a referral that it had accepted otherwise than it had said. What it decides about one is an event of its own. */
export type SafeguardingReferralCorrectedV1 = {
  /** The person referred. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is corrected, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** When the council received the referral (CINreferralDate of the Children in need census). */
  referralDate: string;
  /** Who referred, grouped. */
  referralSource: ReferralSource;
  /** ReferralSource code of the Children in need census as the council recorded it. */
  referralSourceCode?: string | null;
  /** Main reason why a child needs services; null for an adult. */
  primaryNeedCode?: PrimaryNeedCode | null;
  /** The provision under which the council takes it on. */
  duty: StatutoryDuty;
  /** When the council accepted it. */
  acceptedAt: string;
  /** The team that has the case. */
  allocatedTeam?: string | null;
  /** Why the person was referred. */
  summary?: string | null;
  /** Who referred, where that is a private person. */
  informant?: Person | null;
};

/** The council decided otherwise about a referral than it had said. */
export type SafeguardingReferralOutcomeCorrectedV1 = {
  /** The person who was referred. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** Id of the event that is answered, as in `ce_inresponseto`. */
  respondsTo?: string | null;
  /** What the council decided. */
  outcome: ReferralOutcome;
  /** When the council decided. */
  decidedAt: string;
  /** The team that has the case from now on. */
  allocatedTeam?: string | null;
  /** What the council says to the referrer about the person. */
  advice?: string | null;
};

/** The council decided on a referral. `ce_inresponseto` names the event that was the referral, so that its source learns the outcome. */
export type SafeguardingReferralOutcomeRecordedV1 = {
  /** The person who was referred. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is answered, as in `ce_inresponseto`. */
  respondsTo?: string | null;
  /** What the council decided. */
  outcome: ReferralOutcome;
  /** When the council decided. */
  decidedAt: string;
  /** The team that has the case from now on. */
  allocatedTeam?: string | null;
  /** What the council says to the referrer about the person. */
  advice?: string | null;
};

/** The council withdrew that it had accepted a referral, such as one opened for the wrong person. */
export type SafeguardingReferralVoidedV1 = {
  /** The person who had been referred. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the referral was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the council had received the referral. */
  referralDate?: string | null;
  /** Who had referred, so that the same conditions apply as to what is withdrawn. */
  referralSource: ReferralSource;
  /** The provision under which the council had taken it on, so that the same conditions apply as to what is withdrawn. */
  duty: StatutoryDuty;
};

/** The council recorded an enquiry otherwise than it had said. */
export type Section47EnquiryCorrectedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** Id of the event that is corrected, where the adapter knows it. */
  corrects?: string | null;
  /** Why it was corrected. */
  reason: CorrectionReason;
  /** When the enquiry began (S47ActualStartDate of the Children in need census). */
  s47ActualStartDate: string;
  /** Whether the council enquires alone or together with the police. */
  enquiryKind: EnquiryKind;
  /** By when an initial child protection conference is to be held (InitialCPCtarget of the Children in need census). */
  initialCpcTarget?: string | null;
  /** The team that enquires. */
  allocatedTeam?: string | null;
  /** What is said to have happened. */
  allegation?: string | null;
  /** The person alleged to have caused harm. */
  personAlleged?: Person | null;
};

/** The council began an enquiry into whether a child suffers, or is likely to suffer, significant harm (Children Act 1989, section 47). An initial child protection conference follows within 15 working days of the strategy discussion. */
export type Section47EnquiryOpenedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The council's own reference of the case, unique within its system. */
  caseReference: string;
  /** When the enquiry began (S47ActualStartDate of the Children in need census). */
  s47ActualStartDate: string;
  /** Whether the council enquires alone or together with the police. */
  enquiryKind: EnquiryKind;
  /** By when an initial child protection conference is to be held (InitialCPCtarget of the Children in need census). */
  initialCpcTarget?: string | null;
  /** The team that enquires. */
  allocatedTeam?: string | null;
  /** What is said to have happened. */
  allegation?: string | null;
  /** The person alleged to have caused harm. */
  personAlleged?: Person | null;
};

/** The council withdrew that it had opened an enquiry. */
export type Section47EnquiryVoidedV1 = {
  /** The child. */
  person: Person;
  /** Whether the person is a child, an adult or unborn at the time of the event. */
  personCategory: PersonCategory;
  /** The telephone contact at the council. Out of hours it is the emergency duty team. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the enquiry was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the enquiry was said to have begun. */
  s47ActualStartDate?: string | null;
  /** What kind of enquiry it was, so that the same conditions apply as to what is withdrawn. */
  enquiryKind: EnquiryKind;
};

/** Sex as the source records it. `indeterminate` means that it could not be determined, not that it was not asked. */
export type Sex = 'female' | 'male' | 'indeterminate' | 'UNKNOWN';

/** Where the patient was before: groups of the national source of admission codes. `usual_residence` 19, `temporary_residence` 29, `penal_establishment_or_court` 37 to 42, `nhs_hospital` 49 to 53, `care_home` 54 to 56, 65, 85 and 86, `foster_care` 66, `born_in_hospital` 79, `other_hospital_or_hospice` 87 and 88. */
export type SourceOfAdmission = 'usual_residence' | 'temporary_residence' | 'penal_establishment_or_court' | 'nhs_hospital' | 'care_home' | 'foster_care' | 'born_in_hospital' | 'other_hospital_or_hospice' | 'UNKNOWN';

/** The provision under which the council takes it on: Children Act 1989, sections 17, 20, 31 and 47; Care Act 2014, sections 9 and 42. */
export type StatutoryDuty = 'children_act_s17' | 'children_act_s20' | 'children_act_s31' | 'children_act_s47' | 'care_act_s9' | 'care_act_s42' | 'UNKNOWN';

/** What is withdrawn, in the source's own terms: it stands also where the id of the event is not known. */
export type VoidedCase = {
  /** The source's own reference of the case. */
  caseReference: string;
  /** The fact about the case that is withdrawn, such as missing-person-report. */
  fact: string;
};

/** What is withdrawn, in the trust's own terms: it stands also where the id of the event is not known. */
export type VoidedFact = {
  /** The trust's own number of the hospital stay. */
  visit: string;
  /** The fact about the stay that is withdrawn, such as inpatient-admission. */
  fact: string;
};

/** Why a fact was withdrawn, where the source says so. */
export type VoidedReason = 'cancelled' | 'entered_in_error' | 'wrong_person' | 'duplicate' | 'UNKNOWN';

/** This project's own list of what such reports are about, for the local codes of forces to be mapped to. It follows the kinds of abuse of the Care and support statutory guidance (chapter 14) and of Working together to safeguard children. */
export type VulnerabilityConcern = 'physical_abuse' | 'emotional_abuse' | 'sexual_abuse' | 'neglect' | 'self_neglect' | 'financial_abuse' | 'domestic_abuse' | 'exploitation' | 'modern_slavery' | 'discriminatory_abuse' | 'organisational_abuse' | 'mental_health' | 'self_harm_or_suicide' | 'substance_use' | 'missing' | 'radicalisation' | 'homelessness' | 'other' | 'UNKNOWN';

/** How the safeguarding hub graded the report. The four grades and their times follow a published practice (Surrey): `red` 4 working hours, `amber` 24 hours, `green` 72 hours, `blue` not shared. */
export type VulnerabilityGrade = 'red' | 'amber' | 'green' | 'blue' | 'UNKNOWN';

/** The police share a concern about a person. Forces call the form PPN, Merlin PAC, PVP, SCARF, VPN, VIST and otherwise: one event, with the local name as a code. */
export type VulnerabilityReportSharedV1 = {
  /** The person that the concern is about. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. A concern is an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The force's own reference of the report. */
  caseReference: string;
  /** What the force calls the form, such as PPN or Merlin PAC. */
  localFormType?: string | null;
  /** When the officer submitted the report. */
  submittedAt: string;
  /** How the safeguarding hub graded it. */
  grade: VulnerabilityGrade;
  /** What the worry is about. */
  concerns: VulnerabilityConcern[];
  /** The force's own codes of the worry. */
  localConcernCodes?: string[] | null;
  /** Whether the adult agreed that the report is shared. */
  consent: ConsentState;
  /** Why the report is shared although the adult did not agree or was not asked; null where the adult agreed or is a child. */
  consentOverriddenBecause?: ConsentOverride | null;
  /** What the adult wants to happen. */
  adultsWishes?: string | null;
  /** What the officer saw and fears. Facts and opinions are told apart in the text. */
  summary?: string | null;
  /** Children who live with the person or were there, one entry each. */
  children: ChildAtIncident[];
  /** The person alleged to have caused harm. */
  personAlleged?: Person | null;
  /** Who told the police. */
  informant?: Person | null;
  /** Where it happened. */
  incidentLocation?: Address | null;
};

/** The police withdrew a vulnerability report. */
export type VulnerabilityReportVoidedV1 = {
  /** The person that the report was about. */
  person: Person;
  /** Whether the person is a child, an adult or unborn, by what the police know at the time. */
  personCategory: PersonCategory;
  /** Whether the event as a whole is a fact or an assessment. A concern is an assessment. */
  assertionKind: AssertionKind;
  /** What the person is to the police in this event. */
  dataSubjectCategory: DataSubjectCategory;
  /** The telephone contact at the police. */
  contact: Contact;
  /** The case and the fact that are withdrawn. */
  voids: VoidedCase;
  /** Id of the event that is withdrawn, where the adapter knows it. */
  corrects?: string | null;
  /** Why the report was withdrawn. */
  reason: VoidedReason;
  /** When it was withdrawn. */
  voidedAt: string;
  /** When the report had been submitted. */
  submittedAt?: string | null;
  /** How it had been graded, so that the same conditions apply as to what is withdrawn. */
  grade: VulnerabilityGrade;
  /** Whether the adult had agreed, so that the same conditions apply as to what is withdrawn. */
  consent: ConsentState;
};

export type EventData = {
  'uk.causeway.council.antisocial-behaviour-case.opened.v1': AntisocialBehaviourCaseOpenedV1;
  'uk.causeway.council.antisocial-behaviour-case.voided.v1': AntisocialBehaviourCaseVoidedV1;
  'uk.causeway.council.care-episode-end.voided.v1': CareEpisodeEndVoidedV1;
  'uk.causeway.council.care-episode.begun.v1': CareEpisodeBegunV1;
  'uk.causeway.council.care-episode.corrected.v1': CareEpisodeCorrectedV1;
  'uk.causeway.council.care-episode.ended.v1': CareEpisodeEndedV1;
  'uk.causeway.council.care-episode.voided.v1': CareEpisodeVoidedV1;
  'uk.causeway.council.child-missing-from-care-end.voided.v1': ChildMissingFromCareEndVoidedV1;
  'uk.causeway.council.child-missing-from-care-report.voided.v1': ChildMissingFromCareReportVoidedV1;
  'uk.causeway.council.child-missing-from-care.corrected.v1': ChildMissingFromCareCorrectedV1;
  'uk.causeway.council.child-missing-from-care.ended.v1': ChildMissingFromCareEndedV1;
  'uk.causeway.council.child-missing-from-care.reported.v1': ChildMissingFromCareReportedV1;
  'uk.causeway.council.child-protection-plan-end.voided.v1': ChildProtectionPlanEndVoidedV1;
  'uk.causeway.council.child-protection-plan.begun.v1': ChildProtectionPlanBegunV1;
  'uk.causeway.council.child-protection-plan.corrected.v1': ChildProtectionPlanCorrectedV1;
  'uk.causeway.council.child-protection-plan.ended.v1': ChildProtectionPlanEndedV1;
  'uk.causeway.council.child-protection-plan.voided.v1': ChildProtectionPlanVoidedV1;
  'uk.causeway.council.safeguarding-referral-outcome.corrected.v1': SafeguardingReferralOutcomeCorrectedV1;
  'uk.causeway.council.safeguarding-referral-outcome.recorded.v1': SafeguardingReferralOutcomeRecordedV1;
  'uk.causeway.council.safeguarding-referral.accepted.v1': SafeguardingReferralAcceptedV1;
  'uk.causeway.council.safeguarding-referral.corrected.v1': SafeguardingReferralCorrectedV1;
  'uk.causeway.council.safeguarding-referral.voided.v1': SafeguardingReferralVoidedV1;
  'uk.causeway.council.section47-enquiry.corrected.v1': Section47EnquiryCorrectedV1;
  'uk.causeway.council.section47-enquiry.opened.v1': Section47EnquiryOpenedV1;
  'uk.causeway.council.section47-enquiry.voided.v1': Section47EnquiryVoidedV1;
  'uk.causeway.exchange.acknowledgement.recorded.v1': AcknowledgementRecordedV1;
  'uk.causeway.exchange.delivery.overdue.v1': DeliveryOverdueV1;
  'uk.causeway.nhs.birth.notified.v1': BirthNotifiedV1;
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
  'uk.causeway.police.child-protection-power.used.v1': ChildProtectionPowerUsedV1;
  'uk.causeway.police.child-protection-power.voided.v1': ChildProtectionPowerVoidedV1;
  'uk.causeway.police.domestic-abuse-incident.attended.v1': DomesticAbuseIncidentAttendedV1;
  'uk.causeway.police.domestic-abuse-incident.voided.v1': DomesticAbuseIncidentVoidedV1;
  'uk.causeway.police.mental-health-detention.made.v1': MentalHealthDetentionMadeV1;
  'uk.causeway.police.mental-health-detention.voided.v1': MentalHealthDetentionVoidedV1;
  'uk.causeway.police.missing-person-location.voided.v1': MissingPersonLocationVoidedV1;
  'uk.causeway.police.missing-person-report.voided.v1': MissingPersonReportVoidedV1;
  'uk.causeway.police.missing-person.located.v1': MissingPersonLocatedV1;
  'uk.causeway.police.missing-person.reported.v1': MissingPersonReportedV1;
  'uk.causeway.police.vulnerability-report.shared.v1': VulnerabilityReportSharedV1;
  'uk.causeway.police.vulnerability-report.voided.v1': VulnerabilityReportVoidedV1;
};
