import type { DedupLookup, FactQuestion, KnownFact } from './dedup-store.ts';
import type { Fact } from './fact.ts';

/** What every rule is about: the token of a visit (or other thing of the source's), also by the former key, and a name under it. */
type Subject = { visit: string; former?: string | undefined; fact: string };

/**
 * What a source remembers between messages, and decides by. A fact has at most one rule of each of the first three kinds.
 *
 * | rule | reads | writes | skip reason |
 * |---|---|---|---|
 * | `remember` | with `onlyIf`, the fact | the event's id; with `over`, that the fact has ended | `nothing-new` where `onlyIf` does not hold |
 * | `latest` | the order published last | its own order | `older` |
 * | `voids` | the event that stated the fact | nothing | `nothing-to-void`, with `onlyIfKnown` |
 * | `trait` | unless `seen`, the trait | where `seen` for the first time, the event's id | none |
 * | `registration` | the state sent last, and its order | its own state and order | `older`, or `nothing-new` for the same state |
 *
 * A fact that is skipped writes nothing. A registration with the same state still writes its order.
 */
export type MemoryRule = Subject &
  (
    | { rule: 'remember'; onlyIf: 'known' | 'not-known' | undefined; over: boolean }
    | { rule: 'latest'; order: string }
    | { rule: 'voids'; onlyIfKnown: boolean; event: string | undefined }
    | { rule: 'trait'; seen: boolean; data: object }
    | { rule: 'registration'; state: string; order: string | undefined }
  );

/** Why a message with well-formed facts added nothing. `older`: something newer of the same was published before. */
export type SkipReason = 'nothing-to-void' | 'nothing-new' | 'older';

/** A fact with the id of its event and the rules that it brings. */
export type IdentifiedFact = { fact: Fact; id: string; rules: readonly MemoryRule[] };

/** What is published: the fact with what is known of its visit, and the event that it corrects. */
export type Publication = IdentifiedFact & { corrects: string | undefined };

type Known = Pick<DedupLookup, 'lastEvent'>;

/** The rules of a fact, in the order in which they write. */
export const rulesOf = ({ traits = [], remember, latest, voids }: Fact, about: Omit<Subject, 'fact'>) => {
  const rules: MemoryRule[] = traits.map(({ name, seen, data }) => ({
    ...about,
    rule: 'trait',
    fact: name,
    seen,
    data,
  }));
  if (remember) {
    const { fact, onlyIf, over = false } = remember;
    rules.push({ ...about, rule: 'remember', fact, onlyIf, over });
  }
  if (latest) rules.push({ ...about, rule: 'latest', fact: latest.fact, order: latest.order });
  if (voids) {
    const { fact, onlyIfKnown = false, event } = voids;
    rules.push({ ...about, rule: 'voids', fact, onlyIfKnown, event });
  }
  return rules;
};

/** Where the order of a registration is remembered. */
const orderOf = (fact: string): string => `${fact}-order`;

/** What has to be looked up before a rule can be applied. What the bytes of an event depend on is `written` down first. */
export const readsOf = (rule: MemoryRule): FactQuestion[] => {
  const { visit, former, fact } = rule;
  const question = { visit, former, fact, written: false };
  switch (rule.rule) {
    case 'remember':
      return rule.onlyIf ? [question] : [];
    case 'latest':
      return [question];
    case 'voids':
      return [{ ...question, written: true }];
    case 'trait':
      return rule.seen ? [] : [{ ...question, written: true, seldom: true }];
    case 'registration':
      return rule.order === undefined ? [question] : [question, { ...question, fact: orderOf(fact) }];
  }
};

/** What a rule adds to the memory once its fact is published as the event `id`; a registration has no id. */
export const writesOf = (rule: MemoryRule, known: Known, id = ''): KnownFact[] => {
  const { visit, fact } = rule;
  const last = known.lastEvent(visit, fact);
  switch (rule.rule) {
    case 'remember':
      return [{ visit, fact, id: rule.over ? '' : id }];
    case 'latest':
      return [{ visit, fact, id: rule.order }];
    case 'voids':
      return [];
    case 'trait':
      return rule.seen && last === undefined ? [{ visit, fact, id }] : [];
    case 'registration': {
      if (skipReasonOf(rule, known) === 'older') return [];
      const order = rule.order === undefined ? [] : [{ visit, fact: orderOf(fact), id: rule.order }];
      return (last ?? '') === rule.state ? order : [...order, { visit, fact, id: rule.state }];
    }
  }
};

/** Why the rule keeps its fact or registration from being published; undefined where it does not. */
export const skipReasonOf = (rule: MemoryRule, known: Known): SkipReason | undefined => {
  const { visit, fact } = rule;
  const last = known.lastEvent(visit, fact);
  switch (rule.rule) {
    case 'remember':
      return rule.onlyIf && (rule.onlyIf === 'known') !== (last !== undefined) ? 'nothing-new' : undefined;
    case 'latest':
      return (last ?? '') > rule.order ? 'older' : undefined;
    case 'voids':
      return rule.onlyIfKnown && (rule.event ?? last) === undefined ? 'nothing-to-void' : undefined;
    case 'trait':
      return undefined;
    case 'registration':
      if (rule.order !== undefined && (known.lastEvent(visit, orderOf(fact)) ?? '') > rule.order)
        return 'older';
      return (last ?? '') === rule.state ? 'nothing-new' : undefined;
  }
};

/** Where several reasons apply to the facts of one message, the first of these is given. */
const PRECEDENCE: readonly SkipReason[] = ['older', 'nothing-to-void', 'nothing-new'];

/** What is published of the facts of one message, none of which was published before; or why nothing is. */
export const applyRules = (
  facts: readonly IdentifiedFact[],
  known: Known,
): { publish: Publication[] } | { skip: SkipReason } => {
  const reasons = facts.map(({ rules }) => rules.flatMap((rule) => skipReasonOf(rule, known) ?? []));
  const publish = facts.filter((_, index) => reasons[index]?.length === 0);
  if (publish.length > 0) return { publish: publish.map((one) => publicationOf(one, known)) };
  return { skip: PRECEDENCE.find((reason) => reasons.flat().includes(reason)) ?? 'nothing-new' };
};

const publicationOf = (one: IdentifiedFact, known: Known): Publication => {
  const publication: Publication = { ...one, corrects: undefined };
  for (const rule of one.rules) {
    const last = known.lastEvent(rule.visit, rule.fact);
    if (rule.rule === 'voids') publication.corrects = rule.event ?? last;
    if (rule.rule === 'trait' && (rule.seen || last !== undefined)) {
      const replaced = Object.entries(rule.data).filter(([field]) => Object.hasOwn(one.fact.data, field));
      const data = { ...publication.fact.data, ...Object.fromEntries(replaced) };
      publication.fact = { ...publication.fact, data } as Fact;
    }
  }
  return publication;
};

/** Adds what was decided about published facts, each after the other. */
export const rememberFacts = (
  facts: readonly IdentifiedFact[],
  known: Pick<DedupLookup, 'lastEvent' | 'addEvent' | 'addFact'>,
): void => {
  for (const { id, rules } of facts) {
    known.addEvent(id);
    for (const rule of rules) for (const write of writesOf(rule, known, id)) known.addFact(write);
  }
};

/**
 * How many of the first messages can be decided together. What the bytes of an event depend on must be written down before it is
 * published: a message that is sent again after a crash would otherwise have the same id and other bytes. So it is not decided together
 * with what it depends on.
 */
export const decidableTogether = (messages: readonly (readonly IdentifiedFact[])[]): number => {
  const stated = new Set<string>();
  for (const [index, facts] of messages.entries()) {
    const rules = facts.flatMap((one) => one.rules);
    const depends = rules.flatMap(readsOf).filter(({ written }) => written);
    if (depends.some(({ visit, fact }) => stated.has(`${visit} ${fact}`))) return index;
    for (const rule of rules)
      if (rule.rule === 'remember' || (rule.rule === 'trait' && rule.seen))
        stated.add(`${rule.visit} ${rule.fact}`);
  }
  return messages.length;
};
