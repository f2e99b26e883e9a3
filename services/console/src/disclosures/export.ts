import type { AgreementsState } from '@causeway/schemas/agreements/log';
import { asCsv } from '../register/register.ts';
import { eventTitle } from '../web/event-titles.ts';
import { dayInWords, listedInWords, periodInWords } from '../web/wording.ts';
import type { Disclosure } from './search.ts';

/** One disclosure as the person may read it: no sequence, hash or id, and no recipient but the one that it is about. */
type SubjectEntry = {
  disclosedOn: string;
  what: string;
  from: string;
  to: string;
  purpose: string;
  lawfulBasis: string;
  keptFor: string;
};

/**
 * What a person who asks for their data is given. An entry is left out where one of the agreements that released it bars telling them, or
 * wants the source asked first; nothing in what remains shows that there was one. What was not released is no disclosure.
 */
export function subjectEntries(
  disclosures: readonly Disclosure[],
  agreements: AgreementsState,
  nameOf: (id: string) => string,
): SubjectEntry[] {
  return disclosures.flatMap((disclosure) =>
    disclosure.recipients.flatMap(({ recipient, outcome, agreements: references }): SubjectEntry[] => {
      if (outcome !== 'released') return [];
      const versions = references.flatMap(
        (reference) => agreements.versions.get(reference)?.record.agreement ?? [],
      );
      // An agreement that cannot be looked up cannot have allowed it.
      const allowed =
        versions.length === references.length &&
        versions.every((one) => one.disclosureToSubject === 'allowed');
      const [first] = versions;
      if (!allowed || !first || disclosure.other) return [];
      return [
        {
          disclosedOn: disclosure.decidedAt.slice(0, 10),
          what: eventTitle(disclosure.type),
          from: nameOf(disclosure.source),
          to: nameOf(recipient),
          purpose: [...new Set(versions.map(({ purpose }) => listedInWords('purpose', purpose)))].join('; '),
          lawfulBasis: [
            ...new Set(
              versions.flatMap(({ gateways }) => gateways.map((code) => listedInWords('gateways', code))),
            ),
          ].join('; '),
          keptFor: periodInWords(first.recipient.retention),
        },
      ];
    }),
  );
}

export function subjectCsv(entries: readonly SubjectEntry[]): string {
  const heading = ['disclosed on', 'what', 'from', 'to', 'purpose', 'lawful basis', 'kept for'];
  return asCsv([
    heading,
    ...entries.map(({ disclosedOn, what, from, to, purpose, lawfulBasis, keptFor }) => [
      disclosedOn,
      what,
      from,
      to,
      purpose,
      lawfulBasis,
      keptFor,
    ]),
  ]);
}

export function subjectPage(entries: readonly SubjectEntry[]) {
  return entries.map((entry) => ({ ...entry, disclosedOn: dayInWords(entry.disclosedOn) }));
}

/** For leads only: where each decision stands in a ledger, and how a third party checks it. */
export function proofPack(
  disclosures: readonly Disclosure[],
  checkpoint: { verifierKey: string; latest: string | null },
  made: { at: string; by: string },
) {
  return {
    about: 'Decisions of the exchange about one person, with their places in the ledgers',
    made,
    howToCheck: [
      'Check this file: npm run ledger -- verify <this file> --key <the published verifier key>. It finds any change of it.',
      'Ask the operator of the bus for an export of the ledgers: npm run ledger -- export <file>',
      'Check the export: npm run ledger -- verify <file>. It recomputes every chain and names the first record that is wrong.',
      'Compare the heads that it prints with the signed checkpoint below, whose signature belongs to the verifier key.',
      'In the export, the record at each place below names the event, the recipients and the digests as given here.',
    ],
    checkpoint,
    decisions: disclosures.map(({ eventId, type, source, decidedAt, ledger, recipients }) => ({
      eventId,
      type,
      source,
      decidedAt,
      ledger,
      recipients,
    })),
  };
}
