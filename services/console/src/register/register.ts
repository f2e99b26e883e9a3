import type { Database, Query } from '@causeway/runtime/postgres/database';
import { type AgreementsState, currentVersions } from '@causeway/schemas/agreements/log';
import { nameIn, type OrganisationReader } from '../access/viewer.ts';
import { eventTitle } from '../web/event-titles.ts';
import { listedInWords } from '../web/wording.ts';

export type RegisterReaders = OrganisationReader & {
  agreements(): AgreementsState;
  store: Pick<Database, 'query'>;
};

/** Below this a count could point to somebody; it is published as "under 10" instead. */
const SUPPRESS_BELOW = 10;

type RegisterEntry = {
  id: string;
  version: number;
  title: string;
  from: string;
  to: string[];
  purpose: string;
  gateways: string[];
  eventTypes: string[];
  validFrom: string;
  validUntil: string;
  reviewBy: string;
  retention: string;
  dataProtectionContact: string;
  impactAssessment: string | null;
  /** Releases a month, the last twelve; "under 10" where it is fewer. */
  months: { month: string; releases: string }[];
};

/** What the public may know: agreements in force and how much they are used. Nobody is in it. */
export async function publicRegister(
  readers: RegisterReaders,
): Promise<{ entries: RegisterEntry[]; countsKnown: boolean }> {
  const counts = await monthlyCounts(readers.store.query).catch(() => undefined);
  const nameOf = nameIn(readers);
  const entries = currentVersions(readers.agreements()).map(({ id, version, agreement }) => ({
    id,
    version,
    title: agreement.title,
    from: nameOf(agreement.from),
    to: agreement.to.map(nameOf),
    purpose: listedInWords('purpose', agreement.purpose),
    gateways: agreement.gateways.map((code) => listedInWords('gateways', code)),
    eventTypes: Object.keys(agreement.release).map(eventTitle),
    validFrom: agreement.valid.from,
    validUntil: agreement.valid.until,
    reviewBy: agreement.valid.review,
    retention: agreement.recipient.retention,
    dataProtectionContact: agreement.contacts.dataProtection,
    impactAssessment: agreement.dpia?.reference ?? null,
    months: (counts ?? [])
      .filter((count) => count.agreement === id)
      .map(({ month, events }) => ({ month, releases: suppressed(events) })),
  }));
  return { entries, countsKnown: counts !== undefined };
}

export function suppressed(events: number): string {
  return events < SUPPRESS_BELOW ? `under ${SUPPRESS_BELOW}` : String(events);
}

async function monthlyCounts(query: Query) {
  return await query<{ agreement: string; month: string; events: number }>(
    `select agreement, to_char(month, 'YYYY-MM') as month, events from release_month
     where month > now() - interval '12 months' order by 2 desc`,
  );
}

/** RFC 4180. A cell that a spreadsheet would take for a formula is made text. */
export function asCsv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

export function registerCsv(entries: readonly RegisterEntry[]): string {
  const heading = [
    'id',
    'version',
    'title',
    'from',
    'to',
    'purpose',
    'gateways',
    'event types',
    'valid from',
    'valid until',
    'review by',
    'retention',
    'data protection contact',
    'impact assessment',
    'month',
    'releases',
  ];
  return asCsv([
    heading,
    ...entries.flatMap((entry) => {
      const about = [
        entry.id,
        String(entry.version),
        entry.title,
        entry.from,
        entry.to.join('; '),
        entry.purpose,
        entry.gateways.join('; '),
        entry.eventTypes.join('; '),
        entry.validFrom,
        entry.validUntil,
        entry.reviewBy,
        entry.retention,
        entry.dataProtectionContact,
        entry.impactAssessment ?? '',
      ];
      const months = entry.months.length > 0 ? entry.months : [{ month: '', releases: '' }];
      return months.map(({ month, releases }) => [...about, month, releases]);
    }),
  ]);
}
