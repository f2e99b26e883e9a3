import type { PartState } from '../parts/parts.ts';

type Words = { title: string; meaning: string; todo: string };

const SHARED: Record<string, Words> = {
  kafka: {
    title: 'Kafka',
    meaning: 'Nothing is published, released or delivered until it is back. What was accepted is safe.',
    todo: 'Check that the brokers are running and that this console can reach them.',
  },
  exchange: {
    title: 'The exchange',
    meaning: 'Events are kept in the outboxes and nothing is released until it is back.',
    todo: 'Start the exchange again and read its log. Ring the recipients of anything urgent.',
  },
  gateway: {
    title: 'The gateway',
    meaning:
      'Partners cannot read or publish over HTTP, and webhooks stand still. Inboxes fill and lose nothing.',
    todo: 'Start the gateway again and read its log. Ring partners about anything urgent.',
  },
  registry: {
    title: 'The schema registry',
    meaning: 'Events with schemas that are known already go on; new ones wait.',
    todo: 'Check that the registry and its database are running.',
  },
  database: {
    title: 'PostgreSQL',
    meaning:
      'Adapters cannot accept, webhooks stand still, and this console shows only what the broker says by itself.',
    todo: 'Check that the database is running and has room on its disk.',
  },
  'log-in service': {
    title: 'The log-in service',
    meaning: 'Nobody can sign in anew, and partners get no new access tokens. Events go on.',
    todo: 'Tell the people who run it.',
  },
};

/** What a part is called, what it means that it is stopped, and what to do about it. */
export function partWords(
  { name, organisation }: Pick<PartState, 'name' | 'organisation'>,
  nameOf: (id: string) => string,
): Words {
  const shared = SHARED[name];
  if (shared) return shared;
  const whose = organisation ? ` of ${nameOf(organisation)}` : '';
  return {
    title: `The adapter ${name}${whose}`,
    meaning: `${organisation ? nameOf(organisation) : 'Its organisation'} neither sends nor receives through it. Its system keeps what it cannot hand over.`,
    todo: 'Start the adapter again and read its log. Ring the organisation if it stays away.',
  };
}
