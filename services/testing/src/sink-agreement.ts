/** For tests of sinks: an agreement under which `to` receives missing-person reports of `from`, with these fields. */
export const sinkAgreement = (from: string, to: string, fields: string, necessity = '{}'): string => `
id: sink-${to}
version: 1
status: active
title: For a test of a sink
from: ${from}
to: [${to}]
parties:
  ${from}: { regime: dpa2018-part3, approvedBy: Somebody, approvedAt: 2026-09-01 }
  ${to}: { regime: uk-gdpr, article6: public-task, article9: substantial-public-interest, schedule1: [18], approvedBy: Somebody, approvedAt: 2026-09-03 }
purpose: child-safeguarding
gateways: [common-law-policing, children-act-2004-s10, children-act-2004-s11]
confidentiality: not-applicable
dpia: { reference: DPIA-TEST, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: ask-source
valid: { from: 2020-01-01, until: 2099-12-31, review: 2099-06-01 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [] }
contacts: { dataProtection: dpo@test.example, incident: 01632 960001 }
audience: all
matching: verified
history: false
feedback: true
release:
  uk.causeway.police.missing-person.reported.v1:
    fields: [${fields}]
    necessity: ${necessity}
`;
