/**
 * The document that a records management system sends, as JSON Schema: a JSON:API document in the shape of the Standard Data
 * Model. The same schema validates requests and is published in the OpenAPI document, so the two cannot differ.
 *
 * Other members of the Standard Data Model are accepted and ignored: it grows with every form. Restrictions on sharing are in `sharing`,
 * which is closed, so that a misspelt restriction is a fault and not ignored.
 */
import { object as objectOf, text } from '@causeway/runtime/service/openapi';
import * as codes from './codes.ts';

export type JsonSchema = Record<string, unknown>;

/** Times of this and the last century, with an offset; no day that a month does not have. */
const INSTANT =
  '^(19|20)[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-9]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$';
const PARTIAL_DATE = '^(18|19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$';
const REFERENCE = '^[A-Za-z0-9][A-Za-z0-9./:_-]{0,63}$';
const ORGANISATION = '^[a-z][a-z0-9-]{1,62}$';

const object = (properties: JsonSchema, required: string[] = []): JsonSchema =>
  objectOf(properties as Record<string, object>, required);
const words = (maxLength: number, description: string): JsonSchema =>
  text(description, { minLength: 1, maxLength });
const narrative = (description: string) => words(20_000, description);
const patterned = (pattern: string, description: string): JsonSchema => text(description, { pattern });
const instant = (what: string) =>
  patterned(INSTANT, `${what}: a time with offset, such as 2026-11-02T07:45:00+00:00.`);
const reference = (what: string) =>
  patterned(REFERENCE, `${what}: up to 64 letters, digits and . / : _ - without spaces.`);
const flag = (description: string): JsonSchema => ({ type: 'boolean', description });
const gss = words(20, 'GSS code of the local authority, such as E10000014.');

const coded = (list: Record<string, string>, description: string): JsonSchema => ({
  type: 'string',
  enum: Object.keys(list),
  description: `${description}: ${Object.entries(list)
    .map(([code, meaning]) => `${code} ${meaning.replaceAll('_', ' ')}`)
    .join(', ')}.`,
});

const SHARING: JsonSchema = {
  ...object(
    {
      classification: coded(
        codes.CLASSIFICATION,
        'Protective marking; nothing above OFFICIAL-SENSITIVE is accepted',
      ),
      handlingCode: {
        type: 'string',
        enum: ['P', 'C'],
        description:
          'Handling code of 3x5x2: P lawful sharing permitted, C permitted with the conditions named beside it.',
      },
      handlingConditions: {
        type: 'array',
        minItems: 1,
        maxItems: 10,
        items: coded(
          codes.HANDLING,
          'A condition; only organisations that have agreed to it receive the event',
        ),
      },
      mustNotBeTold: {
        type: 'array',
        maxItems: 50,
        items: patterned(ORGANISATION, 'Id of an organisation that must not receive it, or all.'),
      },
    },
    ['classification', 'handlingCode'],
  ),
  additionalProperties: false,
  anyOf: [{ properties: { handlingCode: { const: 'P' } } }, { required: ['handlingConditions'] }],
  'x-fault': {
    at: 'handlingConditions',
    problem: 'is required: the handling code C permits sharing only with the conditions listed here',
  },
};

const COMMON = {
  customerReferenceNumber: reference("The force's own reference of the case"),
  recordedAt: instant('When it was written down'),
  backRecord: flag('A historical record entered later; no action is needed.'),
  personCategory: coded(codes.PERSON_CATEGORY, 'What the person is in law'),
  assertionKind: coded(codes.ASSERTION_KIND, 'Whether it states a fact or an opinion'),
  dataSubjectCategory: coded(codes.DATA_SUBJECT_CATEGORY, 'What the person is to the police here'),
  sharing: SHARING,
  incidentDescription: narrative('What happened, as the officer wrote it.'),
};

const MISSING = {
  risk: coded(codes.MISSING_RISK, 'The risk as the police see it'),
  fromCare: flag('Whether the person is missing from a placement by a local authority.'),
  placingAuthority: gss,
};

type Attributes = { properties: JsonSchema; required: string[]; also?: JsonSchema };

const FACTS: Record<codes.Cancellable, Attributes> = {
  INTY_0001: {
    properties: {
      ...MISSING,
      reportedAt: instant('When the police were told'),
      lastSeenAt: instant('When the person was last seen'),
      lastSeenArea: words(100, 'Where the person was last seen, no finer than a district or an outcode.'),
      personDescription: narrative('What the person looks like and wears.'),
      exploitationConcern: flag('Whether the police suspect that the person is being exploited.'),
      medicalNeeds: narrative('Health information needed by anyone who finds the person.'),
    },
    required: ['reportedAt', 'risk'],
  },
  INTY_0002: {
    properties: {
      ...MISSING,
      locatedAt: instant('When the person was found'),
      foundBy: coded(codes.FOUND_BY, 'Who found the person'),
      outcome: coded(codes.LOCATED_OUTCOME, 'How the person was found'),
      whereFound: words(500, 'Where the person was found.'),
      exploitationConcern: flag('Whether the police suspect that the person is being exploited.'),
      returnInterviewDueAt: instant(
        'By when a return home interview is due; of a child, 72 hours later by default',
      ),
    },
    required: ['locatedAt', 'outcome', 'risk'],
  },
  INTY_0003: {
    properties: {
      localFormType: words(60, "The force's own name of the form, such as PPN, Merlin PAC, PVP or SCARF."),
      submittedAt: instant('When the officer submitted the report'),
      grade: coded(codes.GRADE, 'How the safeguarding hub graded it'),
      concerns: {
        type: 'array',
        minItems: 1,
        maxItems: 18,
        items: coded(codes.CONCERN, 'What the worry is about'),
      },
      localConcernCodes: {
        type: 'array',
        maxItems: 50,
        items: words(60, "The force's own code of the worry."),
      },
      consent: coded(codes.CONSENT, 'Whether the adult agreed that it is shared; not applicable for a child'),
      consentOverriddenBecause: coded(
        codes.CONSENT_OVERRIDE,
        'Why it is shared although an adult did not agree or was not asked',
      ),
      adultsWishes: narrative('What the adult wants to happen.'),
    },
    required: ['localFormType', 'submittedAt', 'grade', 'concerns', 'consent'],
    also: {
      anyOf: [
        { properties: { personCategory: { enum: ['PCAT_0001', 'PCAT_0003'] } } },
        { properties: { consent: { const: codes.AGREED } } },
        { required: ['consentOverriddenBecause'] },
      ],
      'x-fault': {
        at: 'consentOverriddenBecause',
        problem: codes.CONSENT_NEEDED,
      },
    },
  },
  INTY_0004: {
    properties: {
      attendedAt: instant('When officers attended'),
      riskGrade: coded(codes.DOMESTIC_ABUSE_RISK, 'The risk as the officer assessed it (DASH)'),
      childrenInvolved: flag('Whether children live in the household or were there.'),
      marac: flag('Whether the case goes to a multi-agency risk assessment conference.'),
    },
    required: ['attendedAt', 'riskGrade', 'childrenInvolved'],
  },
  INTY_0005: {
    properties: {
      takenAt: instant('When the child was taken into police protection'),
      expiresAt: instant('When it ends at the latest; 72 hours later by default'),
      accommodation: coded(codes.ACCOMMODATION, 'Where the child is, in kind'),
      parentsInformed: flag('Whether those with parental responsibility were told.'),
      designatedOfficer: words(100, 'Rank and office of the designated officer, not the name.'),
    },
    required: ['takenAt', 'accommodation'],
  },
  INTY_0006: {
    properties: {
      powerUsed: coded(codes.DETENTION_POWER, 'The power that officers used'),
      detainedAt: instant('When the person was detained'),
      arrivedAt: instant('When the person arrived at the place of safety'),
      placeOfSafety: coded(codes.PLACE_OF_SAFETY, 'What kind of place it is'),
      placeOfSafetySite: words(200, 'Which place it is.'),
      conveyance: coded(codes.CONVEYANCE, 'How the person was taken there'),
      adviceSought: flag('Whether a professional was consulted before.'),
      intoxicated: flag('Whether the person seemed to be under the influence of alcohol or drugs.'),
    },
    required: ['powerUsed', 'detainedAt', 'placeOfSafety'],
  },
};

/** What a cancellation repeats of the cancelled incident, so that it reaches the same recipients. */
const REPEATED: Record<codes.Cancellable, { required: string[]; optional: string[] }> = {
  INTY_0001: { required: ['risk'], optional: ['fromCare', 'placingAuthority'] },
  INTY_0002: { required: ['risk', 'outcome'], optional: ['locatedAt', 'fromCare', 'placingAuthority'] },
  INTY_0003: { required: ['grade', 'consent'], optional: ['submittedAt'] },
  INTY_0004: { required: ['riskGrade', 'childrenInvolved'], optional: ['attendedAt'] },
  INTY_0005: { required: [], optional: ['takenAt'] },
  INTY_0006: { required: ['powerUsed'], optional: ['detainedAt'] },
};

const ALWAYS = [
  'incidentType',
  'forceIdentifier',
  'customerReferenceNumber',
  'personCategory',
  'assertionKind',
  'dataSubjectCategory',
  'sharing',
];

const attributesOf = (
  type: codes.IncidentType,
  force: JsonSchema,
  { properties, required, also = {} }: Attributes,
): JsonSchema => ({
  title: codes.INCIDENT_TYPES[type],
  ...object({ incidentType: { const: type }, forceIdentifier: force, ...COMMON, ...properties }, [
    ...ALWAYS,
    ...required,
  ]),
  ...also,
});

const cancellationOf = (type: codes.Cancellable, force: JsonSchema): JsonSchema => {
  const { required, optional } = REPEATED[type];
  const known = FACTS[type].properties;
  const schema = attributesOf('INTY_0007', force, {
    properties: {
      cancelledIncidentType: { const: type },
      cancelledAt: instant('When it was withdrawn'),
      cancellationReason: coded(codes.CANCELLATION_REASON, 'Why it was withdrawn'),
      ...Object.fromEntries([...required, ...optional].map((name) => [name, known[name]])),
    },
    required: ['cancelledIncidentType', 'cancelledAt', 'cancellationReason', ...required],
  });
  return { ...schema, title: `cancellation: ${codes.INCIDENT_TYPES[type]}` };
};

const identifierOf = (type: string): JsonSchema =>
  object({ type: { const: type }, id: reference(`Id of a resource of type ${type}`) }, ['type', 'id']);

/** A relationship is to one resource, written as the Standard Data Model does, in a list of one, or without the list. */
const toOne = (type: string): JsonSchema =>
  object(
    {
      data: {
        description: `one {type: "${type}", id}, alone or in a list of one`,
        anyOf: [identifierOf(type), { type: 'array', minItems: 1, maxItems: 1, items: identifierOf(type) }],
      },
    },
    ['data'],
  );

const RELATIONSHIPS: JsonSchema = object(
  {
    person: toOne('person'),
    personAlleged: toOne('person'),
    personReporting: toOne('person'),
    incidentLocation: toOne('location'),
    lastSeenLocation: toOne('location'),
    accommodationLocation: toOne('location'),
  },
  ['person'],
);

const nameParts = (what: string): JsonSchema => ({
  type: 'array',
  maxItems: 10,
  items: words(100, what),
});

const PERSON: JsonSchema = object(
  {
    type: { const: 'person' },
    id: reference("The system's own number of the person, which never changes"),
    attributes: object({
      givenName: nameParts('A given name.'),
      middleName: nameParts('A middle name.'),
      surname: words(100, 'Family name.'),
      titleOther: words(35, 'Title.'),
      preferredName: words(100, 'What the person likes to be called.'),
      dateOfBirth: patterned(PARTIAL_DATE, 'YYYY, YYYY-MM or YYYY-MM-DD, as far as it is known.'),
      gender: coded(codes.GENDER, 'Sex as recorded'),
      under18: flag('Whether the person is under 18.'),
      pncId: words(30, 'Police National Computer id.'),
      croNumber: words(30, 'Criminal Records Office number.'),
      nhsNumber: words(20, 'NHS number; used only where nhsNumberVerified is true.'),
      nhsNumberVerified: flag('Whether the number was traced in the national index.'),
      childPresence: coded(codes.CHILD_PRESENCE, 'Of a child at an incident: where it was'),
      seenByOfficer: flag('Of a child at an incident: whether an officer saw it.'),
      school: words(200, 'Of a child: the school that it attends.'),
      voiceOfChild: narrative('Of a child: what it said or showed.'),
    }),
    relationships: object({ currentAddress: toOne('location'), childAtIncident: toOne('incident') }),
  },
  ['type', 'id'],
);

const LOCATION: JsonSchema = object(
  {
    type: { const: 'location' },
    id: reference('Id of the location in this document'),
    attributes: object({
      addressLines: { type: 'array', maxItems: 10, items: words(200, 'Address line without the postcode.') },
      postCode: words(10, 'Postcode.'),
      uprn: words(20, 'Unique Property Reference Number.'),
      localAuthority: gss,
    }),
  },
  ['type', 'id'],
);

/** Other resources such as e-mail addresses, telephones and attachments: accepted and ignored. */
const OTHER: JsonSchema = object(
  {
    type: { type: 'string', minLength: 1, maxLength: 100, not: { enum: ['person', 'location'] } },
    id: words(100, 'Id of the resource.'),
  },
  ['type', 'id'],
);

const SKELETON: JsonSchema = {
  title: 'skeleton of a form that is not modelled',
  type: 'object',
  properties: { incidentType: false },
  description: 'Without incidentType: stored until the form is modelled, and not published.',
};

/** The schemas of the parts of a document; a force takes only documents with its own identifier. */
export type DocumentSchemas = {
  envelope: JsonSchema;
  skeleton: JsonSchema;
  /** By incident type; of a cancellation by what it cancels. */
  facts: Record<codes.Cancellable, JsonSchema>;
  cancellations: Record<codes.Cancellable, JsonSchema>;
  relationships: JsonSchema;
  person: JsonSchema;
  location: JsonSchema;
  other: JsonSchema;
};

export const documentSchemas = (forceIdentifier: string): DocumentSchemas => {
  const force: JsonSchema = { const: forceIdentifier, description: "This force's identifier." };
  const types = Object.keys(FACTS) as codes.Cancellable[];
  const each = (make: (type: codes.Cancellable) => JsonSchema) =>
    Object.fromEntries(types.map((type) => [type, make(type)])) as Record<codes.Cancellable, JsonSchema>;
  return {
    envelope: object(
      {
        data: object(
          {
            type: { const: 'incident' },
            id: reference("The system's own id of the record that this is"),
            attributes: { type: 'object' },
            relationships: { type: 'object' },
          },
          ['type', 'id', 'attributes'],
        ),
        included: {
          type: 'array',
          maxItems: 100,
          items: object({ type: { type: 'string' } }, ['type']),
        },
      },
      ['data'],
    ),
    skeleton: SKELETON,
    facts: each((type) => attributesOf(type, force, FACTS[type])),
    cancellations: each((type) => cancellationOf(type, force)),
    relationships: RELATIONSHIPS,
    person: PERSON,
    location: LOCATION,
    other: OTHER,
  };
};
