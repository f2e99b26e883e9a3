import { z } from 'zod';
import type { Envelope } from '../bus/envelope.ts';
import { IDENTITY_LINKS_TOPIC } from '../bus/topics.ts';
import { PermanentError } from '../errors.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';

/**
 * Which tokens are one person's. A source says so when it merges records (`….identity.linked`), or people do after a match by
 * name and date of birth. Only the exchange and the console may read any of it: a link can betray an adoption.
 */
export type Link = {
  kind: 'link';
  id: string;
  /** `asserted` by a source counts until it is rejected; `demographic`, a possible match, only once confirmed. */
  source: 'asserted' | 'demographic';
  /** Whose event or whose review it came from. */
  organisation: string;
  tokens: string[];
  otherTokens: string[];
  at: string;
};

/** What people made of a link. Kept apart from it, so that a link that is said again does not undo a review. */
export type LinkReview = {
  kind: 'review';
  id: string;
  state: 'confirmed' | 'rejected';
  by: string;
  reason: string;
  at: string;
};

type LinkState = 'unreviewed' | LinkReview['state'];

export type Links = {
  /** Every token of the same person, the given ones first, as far as `reach` goes. */
  expand(tokens: readonly string[], reach?: Reach): ReadonlySet<string>;
  /** Whether people said that these two are not one person although name and date of birth are the same. */
  isRejected(tokens: ReadonlySet<string>, otherTokens: readonly string[]): boolean;
  all(): { link: Link; state: LinkState }[];
};

/** Over how many steps links are followed, and to how many tokens. */
export type Reach = { steps: number; tokens: number };

/** For what grants something: a wrong link must not join half a county. */
export const NEAR: Reach = { steps: 5, tokens: 64 };

/** For what protects somebody: a source that asserts many links must not crowd out the one that leads to a safeguard. */
export const WIDE: Reach = { steps: 5, tokens: 10_000 };

const token = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
const tokens = z.array(token).min(1).max(100);
const text = z.string().min(1).max(500);
const form = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('link'),
    id: text,
    source: z.enum(['asserted', 'demographic']),
    organisation: text,
    tokens,
    otherTokens: tokens,
    at: text,
  }),
  z.object({
    kind: z.literal('review'),
    id: text,
    state: z.enum(['confirmed', 'rejected']),
    by: text,
    reason: text,
    at: text,
  }),
]);

/** The record of a link or of a review: one of each per id, so that exchange and console never overwrite each other. */
export const linkRecord = (record: Link | LinkReview): KafkaRecord & { partition: number } => ({
  topic: IDENTITY_LINKS_TOPIC,
  partition: 0,
  key: `${record.kind}:${record.id}`,
  value: Buffer.from(JSON.stringify(record)),
});

/**
 * What an `….identity.linked` event says, or null where it does not name two identities. Its tokens are those of certain identifiers and
 * of the source's own records: an adapter leaves the one of name and date of birth out.
 */
export const linkOf = (event: Envelope, organisation: string): Link | null =>
  event.otherTokens.length === 0
    ? null
    : {
        kind: 'link',
        id: event.id,
        source: 'asserted',
        organisation,
        tokens: [event.subject, ...event.tokens],
        otherTokens: [...event.otherTokens],
        at: event.time,
      };

/** @throws PermanentError `invalid-link`, without the value */
export const parseLink = (value: Buffer): Link | LinkReview => {
  try {
    return form.parse(JSON.parse(value.toString('utf8')));
  } catch {
    throw new PermanentError('invalid-link', 'A record of the topic identity-links does not have its form');
  }
};

export const createLinks = (): Links & { apply(record: Pick<FetchedRecord, 'key' | 'value'>): void } => {
  const links = new Map<string, Link>();
  const reviews = new Map<string, LinkReview['state']>();
  const byToken = new Map<string, Set<Link>>();

  const add = (link: Link) => {
    remove(link.id);
    links.set(link.id, link);
    for (const one of [...link.tokens, ...link.otherTokens])
      byToken.set(one, (byToken.get(one) ?? new Set()).add(link));
  };
  const remove = (id: string) => {
    const known = links.get(id);
    if (known === undefined) return;
    links.delete(id);
    for (const one of [...known.tokens, ...known.otherTokens]) byToken.get(one)?.delete(known);
  };
  const stateOf = ({ id }: Link): LinkState => reviews.get(id) ?? 'unreviewed';
  const counts = (link: Link) =>
    stateOf(link) === 'confirmed' || (link.source === 'asserted' && stateOf(link) === 'unreviewed');

  return {
    apply: ({ key, value }) => {
      if (value === null) {
        const [kind, id = ''] = (key?.toString('utf8') ?? '').split(/:(.*)/s);
        if (kind === 'link') remove(id);
        if (kind === 'review') reviews.delete(id);
        return;
      }
      const record = parseLink(value);
      if (record.kind === 'link') add(record);
      else reviews.set(record.id, record.state);
    },

    expand: (given, reach = NEAR) => {
      const found = new Set(given);
      let edge: readonly string[] = given;
      for (let step = 0; step < reach.steps && edge.length > 0; step += 1) {
        const reached = edge
          .flatMap((one) => [...(byToken.get(one) ?? [])].filter(counts))
          .flatMap((link) => [...link.tokens, ...link.otherTokens]);
        const room = Math.max(0, reach.tokens - found.size);
        edge = [...new Set(reached)].filter((one) => !found.has(one)).slice(0, room);
        for (const one of edge) found.add(one);
      }
      return found;
    },

    isRejected: (one, other) => {
      const [near, far] = [[...one], other];
      return near.some((token) =>
        [...(byToken.get(token) ?? [])].some(
          (link) =>
            link.source === 'demographic' &&
            stateOf(link) === 'rejected' &&
            (joins(link.tokens, near, link.otherTokens, far) ||
              joins(link.otherTokens, near, link.tokens, far)),
        ),
      );
    },

    all: () => [...links.values()].map((link) => ({ link, state: stateOf(link) })),
  };
};

const joins = (
  side: readonly string[],
  near: readonly string[],
  otherSide: readonly string[],
  far: readonly string[],
): boolean => side.some((one) => near.includes(one)) && otherSide.some((one) => far.includes(one));
