/** An agreement that uses every member of the format, for tests. Nobody in it exists. */
export const SAMPLE_AGREEMENT = `id: westshire-hospital-stay
version: 1
status: active
title: Hospital stays, trust to council
from: westshire-nhs-trust
to: [westshire-council]
parties:
  westshire-nhs-trust: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, schedule1: [2], approvedBy: Caldicott Guardian, approvedAt: 2026-09-01 }
  westshire-council: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, schedule1: [2], approvedBy: Director of Adult Social Care, approvedAt: 2026-09-03 }
purpose: hospital-discharge
gateways: [health-and-social-care-act-2012-s251b, care-act-2014-s6]
confidentiality: statute
dpia: { reference: DPIA-2026-021, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: allowed
valid: { from: 2026-10-01, until: 2027-09-30, review: 2027-06-01, graceDays: 30 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [recipients-only] }
contacts: { dataProtection: dpo@westshire.example, incident: 01632 960001 }
baseline: { hours: 14, method: secure e-mail to the duty desk }
audience: all
matching: verified
where: { personCategory: [adult], admissionMethod: [elective, emergency] }
history: false
feedback: true
release:
  uk.causeway.nhs.inpatient-admission.recorded.v1:
    fields: [person.name, visitId, admittedAt]
    generalise: { person.address.postcode: outcode, person.dateOfBirth: year }
    necessity: { person.name: finding the person's record }
`;
