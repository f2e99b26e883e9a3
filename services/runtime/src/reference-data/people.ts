import { IDENTITY_LINKS_TOPIC, topicsOf } from '../bus/topics.ts';
import { createLinks, type Links } from './identity-links.ts';
import { createInterests, type Interests } from './interests.ts';
import { createSafeguards, type Safeguards } from './safeguards.ts';
import { type FollowParts, followTopics, type TopicFollower } from './topic-follower.ts';

/** What the exchange and the console know of people: who knows them, what protects them, which pseudonyms are one person. */
export type People = { interests: Interests; safeguards: Safeguards; links: Links };

/** Follows all of it for every organisation, new ones included, with one reader: so one moment says how fresh all of it is. */
export const followPeople = (
  ...[kafka, organisations, log, metrics]: FollowParts
): People & TopicFollower => {
  const { interests, safeguards, links } = noPeopleKnown();
  const follower = followTopics(kafka, {
    name: 'people',
    topics: () => [
      IDENTITY_LINKS_TOPIC,
      ...organisations.all().flatMap(({ id }) => [topicsOf(id).interests, topicsOf(id).safeguards]),
    ],
    apply: (topic, record) => {
      const [kind, organisation = ''] = topic.split('.');
      if (kind === 'interests') interests.apply(organisation, record);
      else if (kind === 'safeguards') safeguards.apply(organisation, record);
      else links.apply(record);
    },
    mayBeAbsent: true,
    log,
    metrics,
  });
  return { ...follower, interests, safeguards, links };
};

/** No interests, safeguards or links yet. */
export const noPeopleKnown = () => ({
  interests: createInterests(),
  safeguards: createSafeguards(),
  links: createLinks(),
});
