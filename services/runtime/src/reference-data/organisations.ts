import type { Contact } from '@causeway/schemas/generated/types';
import { ORGANISATIONS_TOPIC } from '../bus/topics.ts';
import { isPermanent, PermanentError } from '../errors.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { followTopics, type TopicFollower } from './topic-follower.ts';

type OrganisationKind = 'council' | 'nhs' | 'police' | 'school' | 'housing' | 'charity' | 'other';

/** Whom to ring, and when. */
export type DutyContact = { hours: 'in-hours' | 'out-of-hours' | 'always'; name: string; telephone: string };

/** A record of the topic `organisations`; its key is the id. */
export type Organisation = {
  id: string;
  name: string;
  kind: OrganisationKind;
  /** Codes of handling conditions that the organisation has undertaken to keep. */
  handlingAccepted: string[];
  dutyContacts: DutyContact[];
};

export type Organisations = TopicFollower & {
  all(): Organisation[];
  get(id: string): Organisation | undefined;
};

/** Follows the register of organisations, so that a new one is known to every service within moments. */
export const followOrganisations = (
  kafka: Kafka,
  log: Logger,
  metrics?: Pick<Metrics, 'loopRestarts'>,
): Organisations => {
  const byId = new Map<string, Organisation>();
  const follower = followTopics(kafka, {
    name: 'organisations',
    topics: () => [ORGANISATIONS_TOPIC],
    apply: (_, { key, value }) => {
      const id = key?.toString('utf8') ?? '';
      if (value === null) byId.delete(id);
      else byId.set(id, parseOrganisation(value));
    },
    log,
    metrics,
  });
  return { ...follower, all: () => [...byId.values()], get: (id) => byId.get(id) };
};

/** @throws PermanentError `undecodable` */
const parseOrganisation = (value: Buffer): Organisation => {
  try {
    const record = JSON.parse(value.toString('utf8'));
    if (typeof record.id !== 'string')
      throw new PermanentError('undecodable', 'An organisation without an id');
    return { handlingAccepted: [], dutyContacts: [], ...record };
  } catch (error) {
    if (isPermanent(error)) throw error;
    throw new PermanentError('undecodable', 'A record of the topic organisations is not JSON');
  }
};

/** Whom to ring at an organisation, as events say it: the first duty contact for each part of the day. */
export const contactOf = (id: string, organisation: Organisation | undefined): Contact => {
  const find = (...hours: string[]) =>
    organisation?.dutyContacts.find((contact) => hours.includes(contact.hours));
  const inHours = find('in-hours', 'always');
  return {
    organisation: organisation?.name ?? id,
    team: inHours?.name ?? null,
    telephone: inHours?.telephone ?? null,
    outOfHoursTelephone: find('out-of-hours', 'always')?.telephone ?? null,
    reference: null,
  };
};
