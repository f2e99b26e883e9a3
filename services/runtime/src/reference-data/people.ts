import { IDENTITY_LINKS_TOPIC, topicsOf } from '../bus/topics.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createLinks, type Links } from './identity-links.ts';
import { createInterests, type Interests } from './interests.ts';
import type { Organisations } from './organisations.ts';
import { createSafeguards, type Safeguards } from './safeguards.ts';
import { followTopics, type TopicFollower } from './topic-follower.ts';

/** What the exchange and the console know of people: whom whoever knows, what protects them, who is the same as whom. */
export type People = { interests: Interests; safeguards: Safeguards; links: Links };

/** Follows all of it for every organisation, new ones included, with one reader: so one moment says how fresh all of it is. */
export const followPeople = (
  kafka: Pick<Kafka, 'reader'>,
  organisations: Pick<Organisations, 'all'>,
  log: Logger,
  metrics?: Pick<Metrics, 'loopRestarts'>,
): People & TopicFollower => {
  const interests = createInterests();
  const safeguards = createSafeguards();
  const links = createLinks();
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

/** Nobody is known and nothing protects anybody, for what knows no people. */
export const noPeopleKnown = (): People => ({
  interests: createInterests(),
  safeguards: createSafeguards(),
  links: createLinks(),
});
