/** Facts about a person rather than a visit: demographics, death, records that turned out to be one person's. */
import type { Fact } from '@causeway/runtime/source/fact';
import { parsePartialDate } from '@causeway/schemas/dates/hl7';
import type { PartialDate } from '@causeway/schemas/generated/types';
import { DELETED, type Message, segment, text, value } from '../hl7/parser.ts';
import { dischargeMethodOf } from './codes.ts';
import { type About, attributes, common, type Encounter, eventTime } from './encounter.ts';
import { type NhsNumberPolicy, patientOf, retiredOf } from './patient.ts';
import { classKindOf } from './visit-kind.ts';

type Maybe = Fact | undefined;

export const demographics =
  (amendment: 'registered' | 'amended') =>
  (about: About): Maybe => {
    const at = eventTime(about);
    if (at === undefined) return undefined;
    return {
      ...attributes(about, at),
      type: 'uk.causeway.nhs.demographics.amended.v1',
      data: { ...common(about, at), amendment, amended: deletedParts(about.message), amendedAt: at },
    };
  };

/** Fields of PID and PD1 whose deletion the event can name. */
const PARTS: [path: string, segment: string, field: number, component?: number][] = [
  ['person.name', 'PID', 5],
  ['person.dateOfBirth', 'PID', 7],
  ['person.sex', 'PID', 8],
  ['person.address', 'PID', 11],
  ['person.generalPractice', 'PD1', 3, 3],
];

/** What the message deletes with `""`. An empty field says nothing, so what else is amended nobody can tell from it. */
const deletedParts = (message: Message): string[] | null => {
  const deleted = PARTS.filter(
    ([, name, field, component = 1]) =>
      value(message, segment(message, name), field, { component }) === DELETED,
  );
  return deleted.length === 0 ? null : deleted.map(([path]) => path);
};

/** A death by the patient's record, and one by how a stay ended: each is taken back by what it came from. */
const DEATH = 'death';
const DEATH_AT_DISCHARGE = 'death-at-discharge';
const YES = /^(Y|YES|1|TRUE)$/i;
const NO = /^(N|NO|0|FALSE)$/i;

/** A date of death that lies behind the message's own time is a mistake. */
const dateOfDeath = (date: string | undefined, at: string): PartialDate | null => {
  const found = parsePartialDate(date);
  return found === undefined || found.value > at.slice(0, found.value.length) ? null : found;
};

/** A death that the trust knows of is an informal one: it is formal once registered. Told once, and once taken back. */
const death = (about: About, fact: string, status: 'informal' | 'removed', date?: string): Fact[] => {
  const at = eventTime(about);
  const [own] = about.patient.local;
  if (at === undefined || own === undefined) return [];
  const visit = `patient:${own.scheme}:${own.id}`;
  return [
    {
      ...attributes(about, at),
      type: 'uk.causeway.nhs.death.notified.v1',
      remember:
        status === 'removed'
          ? { visit, fact, onlyIf: 'known', over: true }
          : { visit, fact, onlyIf: 'not-known' },
      data: {
        ...common(about, at),
        status,
        dateOfDeath: dateOfDeath(date, at),
        placeOfDeath: null,
        cause: null,
        notifiedAt: at,
      },
    },
  ];
};

/**
 * PID-30 with the date of PID-29; a deleted or negative indicator takes back what was told before, and without an
 * indicator so does a deleted date. An empty field changes nothing.
 */
export const deathIndicated = (about: About): Fact[] => {
  const pid = segment(about.message, 'PID');
  const indicator = value(about.message, pid, 30);
  const date = text(about.message, pid, 29);
  const dateDeleted = indicator === undefined && value(about.message, pid, 29) === DELETED;
  if (dateDeleted || indicator === DELETED || (indicator !== undefined && NO.test(indicator)))
    return death(about, DEATH, 'removed');
  const died = indicator === undefined ? date !== undefined : YES.test(indicator);
  return died ? death(about, DEATH, 'informal', date) : [];
};

/**
 * A discharge by death is a death as well; also where only the patient's record says it. PV1-36 of an emergency
 * attendance is often another list, in which 4 is no death: there a negative PID-30 is believed.
 */
export const deathAtDischarge = (encounter: Encounter): Fact[] => {
  const { message, pv1 } = encounter;
  const indicator = text(message, segment(message, 'PID'), 30);
  if (classKindOf(message) === 'emergency' && indicator !== undefined && NO.test(indicator)) return [];
  if (dischargeMethodOf(text(message, pv1, 36)) !== 'died') {
    return indicator !== undefined && YES.test(indicator) ? deathIndicated(encounter) : [];
  }
  const date = text(message, segment(message, 'PID'), 29) ?? text(message, pv1, 45);
  return death(encounter, DEATH_AT_DISCHARGE, 'informal', date);
};

/** With the discharge goes the death that it told. */
export const noDeathAtDischarge = (encounter: Encounter): Fact[] =>
  death(encounter, DEATH_AT_DISCHARGE, 'removed');

/** Each MRG with the PID before it: one message may merge several records. */
const mergesIn = (message: Message) =>
  message.segments.flatMap((mrg, index) => {
    if (mrg.name !== 'MRG') return [];
    const pid = message.segments.slice(0, index).findLast(({ name }) => name === 'PID');
    return pid === undefined ? [] : [{ pid, mrg }];
  });

/** One fact for each pair of identities; none where the message names no second one. */
export const identitiesLinked =
  (linkKind: 'merged' | 'number_changed', policy: NhsNumberPolicy) =>
  (about: About): Fact[] => {
    const at = eventTime(about);
    if (at === undefined) return [];
    return mergesIn(about.message).flatMap(({ pid, mrg }): Fact[] => {
      const patient = patientOf(about.message, pid, policy, true);
      const retired = retiredOf(about.message, mrg, policy);
      const known = new Set(patient.local.map(({ scheme, id }) => `${scheme} ${id}`));
      const local = retired.local.filter(({ scheme, id }) => !known.has(`${scheme} ${id}`));
      const nhs = retired.nhs === patient.verifiedNhsNumber ? undefined : retired.nhs;
      if (local.length === 0 && nhs === undefined) return [];
      return [
        {
          ...attributes({ ...about, patient }, at),
          type: 'uk.causeway.nhs.identity.linked.v1',
          others: [{ local, verified: nhs === undefined ? {} : { nhs } }],
          data: {
            linkKind,
            schemes: [
              ...(local.length > 0 ? ['hospital-number'] : []),
              ...(nhs === undefined ? [] : ['nhs']),
            ],
            linkedAt: at,
            contact: about.contact,
          },
        },
      ];
    });
  };
