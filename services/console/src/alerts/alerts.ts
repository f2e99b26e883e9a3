import type { AgreementsState } from '@causeway/schemas/agreements/log';
import { currentVersions } from '@causeway/schemas/agreements/log';
import {
  GOVERNANCE,
  hasOne,
  maySee,
  nameIn,
  type OrganisationReader,
  type Viewer,
} from '../access/viewer.ts';
import type { LagLook } from '../lag/lag-samples.ts';
import { readerTitle, standingOfReader } from '../lag/lag-view.ts';
import { lagReport, type Measured, visibleTo } from '../measurement/report.ts';
import { CASES_PAGE } from '../web/navigation.ts';
import { ageInWords, componentInWords, countInWords, dayInWords } from '../web/wording.ts';
import type { Attention } from './attention.ts';
import { type InterestCount, isUnusual } from './interests.ts';

/** What banners are made of. What it says is about all organisations; `alertsFor` makes it one viewer's. */
export type AlertReaders = OrganisationReader & {
  measured(): Measured;
  lag(): LagLook | undefined;
  attention(): Attention | undefined;
  /** Whether the ledgers are whole, and when that was last signed; `since` is when this process began to look. */
  ledgers(): { since: number; signedAt: number | undefined; broken: string[] };
  interests(): InterestCount[] | undefined;
  agreements(): AgreementsState;
};

export type Banner = {
  kind: 'stopped' | 'warning' | 'waiting';
  title: string;
  text: string;
  todo: string;
  link?: { href: string; text: string };
};

type Source = (readers: AlertReaders, viewer: Viewer, now: number) => Banner[];

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

/** What is not yet an emergency and becomes one if it is ignored, worst first. */
export function alertsFor(readers: AlertReaders, viewer: Viewer, now: number): Banner[] {
  const order = { stopped: 0, warning: 1, waiting: 2 };
  return SOURCES.flatMap((source) => source(readers, viewer, now)).sort(
    (a, b) => order[a.kind] - order[b.kind],
  );
}

const exchangeLag: Source = (readers, viewer) => {
  const measured = visibleTo(readers.measured(), viewer.organisation);
  if (measured.connection.status !== 'live') return [];
  return lagReport(measured).organisations.flatMap(({ name, standing, events, seconds }): Banner[] => {
    if (standing !== 'not-moving' && standing !== 'falling-behind') return [];
    const moving = standing === 'falling-behind';
    return [
      {
        kind: moving ? 'warning' : 'stopped',
        title: moving
          ? `Events of ${name} arrive faster than they are released`
          : `Events of ${name} are not being released`,
        text: `${countInWords(events)} wait, the oldest for ${ageInWords(seconds)}.`,
        todo: moving
          ? 'If this continues, start another instance of the exchange.'
          : 'Check that the exchange is running.',
        link: { href: '/lag', text: 'See the lag' },
      },
    ];
  });
};

const readerLag: Source = (readers, viewer, now) => {
  const nameOf = nameIn(readers);
  return (readers.lag()?.readers ?? [])
    .filter(({ organisation }) => maySee(viewer, organisation))
    .flatMap((reader): Banner[] => {
      const standing = standingOfReader(reader, now);
      if (standing !== 'not-moving') return [];
      return [
        {
          kind: 'warning',
          title: `${nameOf(reader.organisation)} is not reading its events: ${readerTitle(reader)}`,
          text: `${countInWords(reader.events)} wait in its inbox, the oldest for ${ageInWords(reader.seconds)}.`,
          todo: 'Ring the team that runs that system. Nothing is lost: inboxes keep events for 30 days.',
          link: { href: '/lag', text: 'See the lag' },
        },
      ];
    });
};

const silence: Source = (readers, viewer) => {
  const nameOf = nameIn(readers);
  return (readers.attention()?.silent ?? [])
    .filter(({ organisation }) => maySee(viewer, organisation))
    .map(({ organisation, system, seconds, usually }) => ({
      kind: 'warning' as const,
      title: `${system ? `${system} of ` : ''}${nameOf(organisation)} has been silent for longer than usual`,
      text: `Nothing has arrived for ${ageInWords(seconds)}; its gaps are nearly always shorter than ${ageInWords(usually)}.`,
      todo: 'Check its adapter, and whether its own system is sending.',
      link: { href: '/throughput', text: 'See the throughput' },
    }));
};

const failures: Source = (readers, viewer) => {
  const nameOf = nameIn(readers);
  return (readers.attention()?.failing ?? [])
    .filter(({ organisation, waiting }) => waiting > 0 && maySee(viewer, organisation))
    .map(({ organisation, component, waiting, today }) => ({
      kind: 'warning' as const,
      title: `${countInWords(waiting)} ${waiting === 1 ? 'record' : 'records'} of ${nameOf(organisation)} could not be read or delivered by ${componentInWords(component)}`,
      text:
        today > 0
          ? `${countInWords(today)} came in the last 24 hours, redriven ones included.`
          : 'None of them is from the last 24 hours.',
      todo: 'Look at the reason, mend it, and redrive them.',
      link: {
        href: `/failures?${new URLSearchParams({ organisation, component })}`,
        text: 'See the failures',
      },
    }));
};

const agreements: Source = (readers, viewer, now) => {
  const today = new Date(now).toISOString().slice(0, 10);
  const soon = new Date(now + SOON_DAYS * DAY_MS).toISOString().slice(0, 10);
  return currentVersions(readers.agreements())
    .filter(({ agreement: { from, to } }) => [from, ...to].some((id) => maySee(viewer, id)))
    .flatMap(({ id, agreement: { title, valid } }): Banner[] => {
      const link = { href: `/agreements/${id}`, text: 'See the agreement' };
      if (valid.until < today)
        return [
          {
            kind: 'stopped',
            title: `“${title}” is over`,
            text: `It ended on ${dayInWords(valid.until)}. Nothing is released under it any more.`,
            todo: 'Agree a new version or end it.',
            link,
          },
        ];
      if (valid.until <= soon)
        return [
          {
            kind: 'warning',
            title: `“${title}” ends soon`,
            text: `Nothing is released under it after ${dayInWords(valid.until)}.`,
            todo: 'Agree a new version in time.',
            link,
          },
        ];
      if (valid.review < today)
        return [
          {
            kind: 'warning',
            title: `“${title}” should have been reviewed`,
            text: `The review was due on ${dayInWords(valid.review)}; ${valid.graceDays} days after that it stops releasing.`,
            todo: 'Review it and load a new version.',
            link,
          },
        ];
      if (valid.review <= soon)
        return [
          {
            kind: 'waiting',
            title: `“${title}” is to be reviewed`,
            text: `The review is due on ${dayInWords(valid.review)}.`,
            todo: 'Arrange it with the other parties.',
            link,
          },
        ];
      return [];
    });
};

const LATE_CHECKPOINT_MS = 180_000;

const ledgers: Source = (readers, viewer, now) => {
  const { broken, signedAt, since } = readers.ledgers();
  const nameOf = nameIn(readers);
  const ownerOf = (ledger: string) => ledger.replace(/^ledger\./, '').replace(/\/\d+$/, '');
  const mine = broken.filter((ledger) => ownerOf(ledger) === 'console' || maySee(viewer, ownerOf(ledger)));
  const late = now - (signedAt ?? since);
  return [
    ...mine.map((ledger) => ({
      kind: 'stopped' as const,
      title: `The ledger of ${ownerOf(ledger) === 'console' ? 'this console' : nameOf(ownerOf(ledger))} has a broken chain`,
      text: `A record of ${ledger} was changed, removed or inserted, or its topic was recreated.`,
      todo: 'Keep everything as it is, export the ledger, and find out who may write to it.',
    })),
    ...(late > LATE_CHECKPOINT_MS
      ? [
          {
            kind: 'warning' as const,
            title: 'The ledger checkpoint is late',
            text: `One should be signed every minute; there has been none for ${ageInWords(late / 1000)}.`,
            todo: 'Check that this console can reach Kafka and write to the checkpoint folder.',
          },
        ]
      : []),
  ];
};

const interests: Source = (readers, viewer) => {
  const nameOf = nameIn(readers);
  return (readers.interests() ?? [])
    .filter((count) => isUnusual(count) && maySee(viewer, count.organisation))
    .map(({ organisation, today, usually }) => ({
      kind: 'warning' as const,
      title: `${nameOf(organisation)} has registered interest in unusually many people`,
      text: `${countInWords(today)} interests in the last 24 hours, where ${countInWords(Math.round(usually))} a day are usual.`,
      todo: 'Ask its information governance lead what happened: each interest lets events about that person through.',
      ...(hasOne(viewer, GOVERNANCE)
        ? {
            link: {
              href: `${CASES_PAGE}?${new URLSearchParams({ organisation, kind: 'interest' })}`,
              text: 'See its interests',
            },
          }
        : {}),
    }));
};

const SOURCES: readonly Source[] = [
  ledgers,
  interests,
  exchangeLag,
  readerLag,
  failures,
  silence,
  agreements,
];
