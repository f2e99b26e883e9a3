/** Documents about invented people, as an RMS would send them: for the simulator, tests and measurements. */
import {
  type ExampleAdult,
  type ExampleChild,
  type ExamplePerson,
  exampleAdult,
  exampleChild,
} from '@causeway/schemas/identifiers/example-people';

export type SyntheticDocument = {
  data: {
    type: 'incident';
    id: string;
    attributes: Record<string, unknown>;
    relationships: Record<string, unknown>;
  };
  included: Resource[];
};

type Resource = {
  type: string;
  id: string;
  attributes: Record<string, unknown>;
  relationships?: Record<string, unknown>;
};

/** What a document is about, and when: the same story always gives the same document. */
type Story = {
  /** The force's reference of the case; with `kind` it names the document. */
  reference: string;
  /** RFC 3339 with offset. */
  at: string;
  /** Number of the example person. */
  who: number;
};

const FORCE = '99';
const PLACING_AUTHORITY = 'E10999999';
const HOUR_MS = 3_600_000;

const to = (type: string, id: string) => ({ data: [{ type, id }] });
const earlier = (at: string, ms: number): string =>
  new Date(Date.parse(at) - ms).toISOString().replace(/\.\d+Z$/, '+00:00');

const sharing = (conditions: string[] = []) => ({
  classification: 'PSCL_0002',
  ...(conditions.length > 0 ? { handlingCode: 'C', handlingConditions: conditions } : { handlingCode: 'P' }),
});

const CHILD = { personCategory: 'PCAT_0001', assertionKind: 'ASRT_0001', dataSubjectCategory: 'DSCT_0005' };
const ADULT = { ...CHILD, personCategory: 'PCAT_0002' };
const MISSING = { risk: 'MPRK_0003', fromCare: true, placingAuthority: PLACING_AUTHORITY };

const people = (person: ExamplePerson, attributes: object, relationships: object = {}): Resource[] => {
  const place = `${person.policeId}-address`;
  return [
    {
      type: 'person',
      id: person.policeId,
      attributes: {
        givenName: [person.givenName],
        surname: person.familyName,
        dateOfBirth: person.dateOfBirth,
        gender: person.sex === 'female' ? 'GNDR_0001' : 'GNDR_0002',
        ...attributes,
      },
      relationships: { currentAddress: to('location', place), ...relationships },
    },
    {
      type: 'location',
      id: place,
      attributes: { addressLines: person.address.lines, postCode: person.address.postcode },
    },
  ];
};

/** A few adults are on the Police National Computer. */
const adult = (person: ExampleAdult): Resource[] =>
  people(person, Number(person.policeId.slice(-1)) % 3 === 0 ? { pncId: person.pncId } : {});
const child = (person: ExampleChild, more: object = {}, relationships: object = {}): Resource[] =>
  people(person, { under18: true, ...more }, relationships);

const documentOf = (
  { reference }: Story,
  incidentType: string,
  attributes: Record<string, unknown>,
  relationships: Record<string, unknown>,
  included: Resource[],
): SyntheticDocument => ({
  data: {
    type: 'incident',
    id: `${reference}-${incidentType.slice(-1)}`,
    attributes: { incidentType, forceIdentifier: FORCE, customerReferenceNumber: reference, ...attributes },
    relationships,
  },
  included,
});

export const missingChild = (story: Story): SyntheticDocument => {
  const person = exampleChild(story.who);
  return documentOf(
    story,
    'INTY_0001',
    {
      ...CHILD,
      sharing: sharing(),
      reportedAt: story.at,
      recordedAt: story.at,
      ...MISSING,
      lastSeenAt: earlier(story.at, 2 * HOUR_MS),
      lastSeenArea: 'WE4',
      personDescription: 'Invented: dark coat, school uniform.',
      exploitationConcern: false,
      incidentDescription: 'Invented: did not come home from school.',
    },
    { person: to('person', person.policeId) },
    child(person),
  );
};

export const locatedChild = (story: Story): SyntheticDocument => {
  const person = exampleChild(story.who);
  return documentOf(
    story,
    'INTY_0002',
    {
      ...CHILD,
      sharing: sharing(),
      locatedAt: story.at,
      foundBy: 'FNDB_0002',
      outcome: 'LOCO_0001',
      ...MISSING,
    },
    { person: to('person', person.policeId) },
    child(person),
  );
};

export const missingAdult = (story: Story): SyntheticDocument => {
  const person = exampleAdult(story.who);
  return documentOf(
    story,
    'INTY_0001',
    {
      ...ADULT,
      sharing: sharing(),
      reportedAt: story.at,
      risk: 'MPRK_0004',
      lastSeenArea: 'WE4',
      personDescription: 'Invented: blue dressing gown.',
      medicalNeeds: 'Invented: needs insulin.',
    },
    { person: to('person', person.policeId) },
    adult(person),
  );
};

export const locatedAdult = (story: Story): SyntheticDocument => {
  const person = exampleAdult(story.who);
  return documentOf(
    story,
    'INTY_0002',
    {
      ...ADULT,
      sharing: sharing(),
      locatedAt: story.at,
      foundBy: 'FNDB_0001',
      outcome: 'LOCO_0001',
      risk: 'MPRK_0004',
    },
    { person: to('person', person.policeId) },
    adult(person),
  );
};

/** A household: an adult at risk, somebody alleged, and two children. */
export const domesticAbuse = (story: Story): SyntheticDocument => {
  const [victim, alleged] = [exampleAdult(story.who), exampleAdult(story.who + 1)];
  const at = { childAtIncident: to('incident', `${story.reference}-4`) };
  const children = [story.who, story.who + 1].flatMap((who, index) =>
    child(
      exampleChild(who),
      {
        childPresence: index === 0 ? 'CHPR_0001' : 'CHPR_0002',
        seenByOfficer: true,
        school: 'Fictionham Academy',
      },
      at,
    ),
  );
  return documentOf(
    story,
    'INTY_0004',
    {
      ...ADULT,
      dataSubjectCategory: 'DSCT_0003',
      sharing: sharing(['do-not-tell-alleged-person']),
      attendedAt: story.at,
      riskGrade: 'DASH_0002',
      childrenInvolved: true,
      marac: false,
      incidentDescription: 'Invented: an argument, no injuries seen.',
    },
    { person: to('person', victim.policeId), personAlleged: to('person', alleged.policeId) },
    [...adult(victim), ...adult(alleged), ...children],
  );
};

const GRADES = {
  red: 'VGRD_0001',
  amber: 'VGRD_0002',
  green: 'VGRD_0003',
  blue: 'VGRD_0004',
} as const;
type Grade = keyof typeof GRADES;

export const vulnerableChild = (story: Story, grade: Grade): SyntheticDocument => {
  const person = exampleChild(story.who);
  return documentOf(
    story,
    'INTY_0003',
    {
      ...CHILD,
      assertionKind: 'ASRT_0002',
      sharing: sharing(),
      localFormType: 'PPN',
      submittedAt: story.at,
      grade: GRADES[grade],
      concerns: ['VCON_0004', 'VCON_0008'],
      consent: 'CNST_0004',
      incidentDescription: 'Invented: seen late at night with adults who are not family.',
    },
    { person: to('person', person.policeId) },
    child(person),
  );
};

export const vulnerableAdult = (story: Story, grade: Grade): SyntheticDocument => {
  const person = exampleAdult(story.who);
  const isAgreed = grade === 'green';
  return documentOf(
    story,
    'INTY_0003',
    {
      ...ADULT,
      assertionKind: 'ASRT_0002',
      sharing: sharing(),
      localFormType: 'PPN',
      submittedAt: story.at,
      grade: GRADES[grade],
      concerns: ['VCON_0005'],
      consent: isAgreed ? 'CNST_0001' : 'CNST_0003',
      ...(!isAgreed && { consentOverriddenBecause: 'COVR_0002' }),
      incidentDescription: 'Invented: no heating, food past its date.',
    },
    { person: to('person', person.policeId) },
    adult(person),
  );
};

export const detention = (story: Story): SyntheticDocument => {
  const person = exampleAdult(story.who);
  return documentOf(
    story,
    'INTY_0006',
    {
      ...ADULT,
      sharing: sharing(),
      powerUsed: 'MHPW_0001',
      detainedAt: story.at,
      placeOfSafety: 'MHPS_0002',
      conveyance: 'MHCV_0001',
    },
    { person: to('person', person.policeId) },
    adult(person),
  );
};

/** Withdraws the report of a vulnerable adult of the same case. */
export const withdrawnReport = (story: Story, grade: Grade): SyntheticDocument => {
  const person = exampleAdult(story.who);
  return documentOf(
    story,
    'INTY_0007',
    {
      ...ADULT,
      sharing: sharing(),
      cancelledIncidentType: 'INTY_0003',
      cancelledAt: story.at,
      cancellationReason: 'CNRS_0003',
      grade: GRADES[grade],
      consent: 'CNST_0003',
    },
    { person: to('person', person.policeId) },
    adult(person),
  );
};
