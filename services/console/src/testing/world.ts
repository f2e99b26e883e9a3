import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import { type AgreementsState, applyRecord, emptyState } from '@causeway/schemas/agreements/log';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { Attention } from '../alerts/attention.ts';
import type { FlowTotal } from '../flow/flow-totals.ts';
import type { LagLook } from '../lag/lag-samples.ts';
import type { PairCount } from '../measurement/releases.ts';
import type { Measured } from '../measurement/report.ts';

/** An invented partnership for tests of pages; telephone numbers are from the range kept free for drama. */
export const ORGANISATIONS: Organisation[] = [
  organisation('westshire-council', 'Westshire Council', 'council', '01632 960010', '01632 960011'),
  organisation('westshire-nhs-trust', 'Westshire Hospitals NHS Trust', 'nhs', '01632 960020', '01632 960021'),
  organisation('westshire-police', 'Westshire Police', 'police', '01632 960030', '01632 960031'),
];

function organisation(
  id: string,
  name: string,
  kind: Organisation['kind'],
  day: string,
  night: string,
): Organisation {
  return {
    id,
    name,
    kind,
    handlingAccepted: [],
    dutyContacts: [
      { hours: 'in-hours', name: 'Safeguarding duty desk', telephone: day },
      { hours: 'out-of-hours', name: 'Emergency duty team', telephone: night },
    ],
  };
}

export const MISSING = 'uk.causeway.police.missing-person.reported.v1';
export const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';

/** Looks with arrows between organisations that grow by these rates a second. */
export function withPairs(
  measured: Measured,
  pairs: (Omit<PairCount, 'restricted'> & { restricted?: number })[],
): Measured {
  const first = measured.samples[0]?.at ?? 0;
  return {
    ...measured,
    samples: measured.samples.map((sample) => ({
      ...sample,
      pairs: new Map(
        pairs.map(({ source, recipient, released, withheld, restricted = 0 }) => {
          const grown = (rate: number) => Math.round((rate * (sample.at - first)) / 1000);
          const counts = {
            released: grown(released),
            withheld: grown(withheld),
            restricted: grown(restricted),
          };
          return [`${source} ${recipient}`, { source, recipient, ...counts }] as const;
        }),
      ),
    })),
  };
}

export function lagLook(now: number): LagLook {
  return {
    at: now,
    readers: [
      {
        organisation: 'westshire-council',
        name: 'council-social-care',
        pulls: false,
        events: 0,
        seconds: 0,
        retrying: 0,
        lastAt: now - 4_000,
        lastCode: 'ok',
      },
      {
        organisation: 'westshire-council',
        name: 'reporting',
        pulls: true,
        events: 212,
        seconds: 4_210,
        retrying: 0,
        lastAt: now - 4_300_000,
        lastCode: 'ok',
      },
      {
        organisation: 'westshire-police',
        name: 'police-records',
        pulls: false,
        events: 3,
        seconds: 95,
        retrying: 3,
        lastAt: now - 9_000,
        lastCode: '503',
      },
    ],
    inboxes: [
      { organisation: 'westshire-council', type: ADMISSION, events: 2, seconds: 3 },
      {
        organisation: 'westshire-police',
        type: 'uk.causeway.council.section47-enquiry.opened.v1',
        events: 3,
        seconds: 95,
      },
    ],
  };
}

export function attention(now: number): Attention {
  const ago = (minutes: number) => new Date(now - minutes * 60_000);
  return {
    at: now,
    onTheirWay: 1,
    pressing: [
      {
        source: 'westshire-police',
        eventId: 'b3yE0fZ1tqK9wQ2LrV8cXA',
        recipient: 'westshire-council',
        type: MISSING,
        agreements: ['westshire-missing-children/1'],
        priority: 'immediate',
        releasedAt: ago(11),
        actBy: ago(-49),
        deliveredAt: null,
        failed: false,
      },
      {
        source: 'westshire-police',
        eventId: 'Jw7sPq0aNm5kTz4HdR1vUg',
        recipient: 'westshire-council',
        type: 'uk.causeway.police.vulnerability-report.shared.v1',
        agreements: ['westshire-missing-children/1'],
        priority: 'urgent',
        releasedAt: ago(260),
        actBy: ago(20),
        deliveredAt: ago(259),
        failed: false,
      },
    ],
    silent: [{ organisation: 'westshire-nhs-trust', system: 'nhs-mesh', seconds: 4_000, usually: 600 }],
    failing: [{ organisation: 'westshire-council', component: 'council-social-care', waiting: 14, today: 3 }],
  };
}

export const FLOW_TOTALS: FlowTotal[] = [
  {
    source: 'westshire-police',
    system: 'police-records',
    recipient: 'westshire-council',
    type: MISSING,
    outcome: 'released',
    hour: 3,
    day: 41,
  },
  {
    source: 'westshire-police',
    system: 'police-records',
    recipient: 'westshire-council',
    type: MISSING,
    outcome: 'condition-not-met',
    hour: 1,
    day: 9,
  },
  {
    source: 'westshire-nhs-trust',
    system: 'nhs-trust',
    recipient: 'westshire-council',
    type: ADMISSION,
    outcome: 'released',
    hour: 81,
    day: 1204,
  },
  {
    source: 'westshire-nhs-trust',
    system: 'nhs-trust',
    recipient: 'westshire-council',
    type: ADMISSION,
    outcome: 'not-known',
    hour: 210,
    day: 3304,
  },
  {
    source: 'westshire-nhs-trust',
    system: 'nhs-trust',
    recipient: 'westshire-council',
    type: ADMISSION,
    outcome: 'source-restricted',
    hour: 0,
    day: 2,
  },
  {
    source: 'westshire-nhs-trust',
    system: 'nhs-mesh',
    recipient: 'westshire-council',
    type: ADMISSION,
    outcome: 'released',
    hour: 2,
    day: 17,
  },
];

/** An agreement of this partnership in force, with what is given changed. */
export function agreementOf(
  more: Partial<Agreement> & { id: string; release: Agreement['release'] },
): Agreement {
  return {
    version: 1,
    status: 'active',
    title: 'Hospital admissions, trust to council',
    from: 'westshire-nhs-trust',
    to: ['westshire-council'],
    parties: {
      'westshire-nhs-trust': {
        regime: 'uk-gdpr',
        article6: 'public-task',
        article9: 'health-or-social-care',
        approvedBy: 'Caldicott Guardian',
        approvedAt: '2026-06-15',
      },
      'westshire-council': {
        regime: 'uk-gdpr',
        article6: 'public-task',
        article9: 'health-or-social-care',
        approvedBy: 'Director of Adult Social Services',
        approvedAt: '2026-06-17',
      },
    },
    purpose: 'hospital-discharge',
    gateways: ['care-act-2014-s6'],
    confidentiality: 'statute',
    dpia: { reference: 'DPIA-2026-009', approvedAt: '2026-06-10' },
    recipient: { retention: 'P2Y', onward: 'ask-source' },
    disclosureToSubject: 'allowed',
    valid: { from: '2026-07-01', until: '2028-06-30', review: '2028-03-31', graceDays: 30 },
    marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
    contacts: { dataProtection: 'dpo@westshire-nhs-trust.example', incident: '01632 960022' },
    baseline: { hours: 20, method: 'telephone call from the ward on the next working day' },
    audience: 'all',
    matching: 'verified',
    where: {},
    history: false,
    feedback: true,
    ...more,
  };
}

export function stateOf(agreements: Agreement[]): AgreementsState {
  const catalogue = loadCatalogue();
  let state = emptyState();
  for (const agreement of agreements) {
    const { id, version, status } = agreement;
    const { release } = expandAgreement(agreement, catalogue);
    const pinned = Object.fromEntries(
      Object.entries(release).map(([type, one]) => [type, { ...one, schemaId: 1 }]),
    );
    const by = { id, version, by: 'test', at: '2026-09-01T09:00:00Z' };
    state = applyRecord(state, {
      kind: 'version',
      ...by,
      agreement,
      release: pinned,
      digest: `${id}${version}`,
    });
    const statuses: AgreementStatus[] = status === 'ended' ? ['active', 'ended'] : [status];
    for (const one of statuses)
      state = applyRecord(state, { kind: 'status', ...by, status: one, reason: 'agreed by all parties' });
  }
  return state;
}
