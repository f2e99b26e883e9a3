import type { PartState } from '../parts/parts.ts';

type Words = { title: string; meaning: string; todo: string };

const SHARED: Record<string, Words> = {
  kafka: {
    title: 'Kafka',
    meaning: 'Nothing is published, released or delivered until it is back. Accepted events are safe.',
    todo: 'Check that the brokers are running and that this console can reach them.',
  },
  exchange: {
    title: 'The exchange',
    meaning: 'Events are kept in the outboxes and nothing is released until it is back.',
    todo: 'Restart the exchange and read its log. Ring the recipients of anything urgent.',
  },
  gateway: {
    title: 'The gateway',
    meaning:
      'Partners cannot read or publish over HTTP, and webhooks have stopped. Inboxes fill and lose nothing.',
    todo: 'Restart the gateway and read its log. Ring partners about anything urgent.',
  },
  registry: {
    title: 'The schema registry',
    meaning: 'Events with known schemas are still processed; those with new schemas wait.',
    todo: 'Check that the registry and its database are running.',
  },
  database: {
    title: 'PostgreSQL',
    meaning:
      'Adapters cannot accept, webhooks have stopped, and this console shows only what Kafka itself reports.',
    todo: 'Check that the database is running and has room on its disk.',
  },
  'log-in service': {
    title: 'The log-in service',
    meaning: 'No new sign-ins, and partners get no new access tokens. Events are still delivered.',
    todo: 'Tell the team that runs it.',
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
    meaning: `${organisation ? nameOf(organisation) : 'Its organisation'} cannot send or receive through it. Its system keeps the messages that it cannot send.`,
    todo: 'Restart the adapter and read its log. Ring the organisation if it does not come back.',
  };
}
