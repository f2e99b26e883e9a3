import type { Query } from '@causeway/runtime/postgres/database';
import { type AgreementsState, currentVersions } from '@causeway/schemas/agreements/log';
import { maySee, nameIn, type OrganisationReader, type Viewer } from '../access/viewer.ts';
import { countInWords, durationInWords, NOT_MEASURED } from '../web/wording.ts';

export type ValueReaders = OrganisationReader & { agreements(): AgreementsState };

type Bucket = { agreement: string; leg: 'delivered' | 'acknowledged'; bucket: number; events: number };

export async function durations(query: Query): Promise<Bucket[]> {
  return await query<Bucket>(
    `select agreement, leg, bucket, sum(events)::int as events from duration_day
     where day > now() - interval '90 days' group by 1, 2, 3 order by 3`,
  );
}

/** The time that half of the events took at most, in seconds: the middle of its bucket, right to a fifth. */
function medianOf(buckets: readonly Pick<Bucket, 'bucket' | 'events'>[]): number | null {
  const total = buckets.reduce((sum, { events }) => sum + events, 0);
  let seen = 0;
  for (const { bucket, events } of buckets) {
    seen += events;
    if (seen * 2 >= total && total > 0) return 2 ** ((bucket + 0.5) / 4);
  }
  return null;
}

/** Hours from fact to recipient and to acknowledgement, beside what the agreement says it took before. */
export function valueRows(readers: ValueReaders, viewer: Viewer, buckets: readonly Bucket[]) {
  const nameOf = nameIn(readers);
  return currentVersions(readers.agreements())
    .filter(({ agreement: { from, to } }) => [from, ...to].some((id) => maySee(viewer, id)))
    .map(({ id, agreement }) => {
      const leg = (name: Bucket['leg']) => buckets.filter((one) => one.agreement === id && one.leg === name);
      const delivered = medianOf(leg('delivered'));
      const acknowledged = medianOf(leg('acknowledged'));
      const events = leg('delivered').reduce((sum, one) => sum + one.events, 0);
      const before = agreement.baseline ? agreement.baseline.hours * 3_600 : null;
      return {
        href: `/agreements/${id}`,
        title: agreement.title,
        from: nameOf(agreement.from),
        to: agreement.to.map(nameOf).join(', '),
        method: agreement.baseline?.method ?? '',
        before: durationInWords(before),
        delivered: durationInWords(delivered),
        acknowledged: durationInWords(acknowledged),
        events: countInWords(events),
        quiet: events === 0,
        saved:
          before !== null && delivered !== null && before > delivered
            ? durationInWords(before - delivered)
            : NOT_MEASURED,
        bars: barsOf([
          { label: 'before', seconds: before },
          { label: 'to the recipient', seconds: delivered },
          { label: 'to an acknowledgement', seconds: acknowledged },
        ]),
      };
    })
    .sort((a, b) => Number(a.quiet) - Number(b.quiet));
}

/** Lengths on a scale on which ten times as long is a step, since minutes stand beside days. */
function barsOf(legs: { label: string; seconds: number | null }[]) {
  const longest = Math.log10(1 + Math.max(1, ...legs.map(({ seconds }) => seconds ?? 0)));
  return legs.flatMap(({ label, seconds }) =>
    seconds === null
      ? []
      : [
          {
            label,
            text: durationInWords(seconds),
            length: Math.max(2, Math.round((100 * Math.log10(1 + seconds)) / longest)),
          },
        ],
  );
}
