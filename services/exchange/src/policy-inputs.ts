import { type SnapshotVersion, snapshotVersion } from '@causeway/runtime/disclosure/policy-snapshot';
import { type Rulebook, rulebookOf, ukDate } from '@causeway/runtime/disclosure/release-decision';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import type { Organisation, Organisations } from '@causeway/runtime/reference-data/organisations';
import type { People } from '@causeway/runtime/reference-data/people';
import type { TopicFollower } from '@causeway/runtime/reference-data/topic-follower';

/** What a decision is made from, as it stands at one moment. */
export type PolicyInputs = {
  rules: Rulebook;
  /** Next offset of the agreements topic: what they have taken into account. */
  agreementsOffset: number;
  organisation(id: string): Organisation | undefined;
  people: People;
  /** Up to where people were known. */
  peopleMark: SnapshotVersion;
  today: string;
};

/** What is known now, for the decisions of one batch. */
export const createPolicyInputs =
  (
    agreements: Agreements,
    organisations: Organisations,
    people: People & Pick<TopicFollower, 'freshAt' | 'freshWithin' | 'revision'>,
  ): (() => PolicyInputs) =>
  () => ({
    rules: rulebookOf(agreements.state()),
    agreementsOffset: agreements.offset(),
    organisation: organisations.get,
    people,
    peopleMark: snapshotVersion(people),
    today: ukDate(new Date()),
  });
