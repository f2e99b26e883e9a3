import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DedupLookup, FactQuestion, KnownFact } from './dedup-store.ts';
import type { Fact } from './fact.ts';
import { type IdentifiedRegistration, newRegistrations } from './registrations.ts';
import {
  applyRules,
  decidableTogether,
  type IdentifiedFact,
  type MemoryRule,
  readsOf,
  rememberFacts,
  rulesOf,
} from './rules.ts';

type Message = { facts: IdentifiedFact[]; registrations: IdentifiedRegistration[] };
type Memory = { events: Set<string>; facts: Map<string, string> };
type Planned = { events: { id: string; data: unknown; corrects: string | undefined }[]; sent: string[] };

const keyOf = (visit: string, fact: string) => `${visit} ${fact}`;
const formerOf = (visit: string) => `former ${visit}`;

/** Knows what was asked, as the tables do, and what its own group has added. */
const lookupIn = (memory: Memory, ids: readonly string[], questions: readonly FactQuestion[]) => {
  const added: DedupLookup['added'] = { events: [], facts: [] };
  const known: Memory = { events: new Set(ids.filter((id) => memory.events.has(id))), facts: new Map() };
  for (const { visit, former = '', fact } of questions)
    for (const key of [keyOf(visit, fact), keyOf(former, fact)]) {
      const id = memory.facts.get(key);
      if (id !== undefined) known.facts.set(key, id);
    }
  const lookup: DedupLookup = {
    added,
    hasEvent: (id) => known.events.has(id),
    lastEvent: (visit, fact) =>
      (known.facts.get(keyOf(visit, fact)) ?? known.facts.get(keyOf(formerOf(visit), fact))) || undefined,
    addEvent: (id) => {
      known.events.add(id);
      added.events.push(id);
    },
    addFact: (one: KnownFact) => {
      known.facts.set(keyOf(one.visit, one.fact), one.id);
      added.facts.push(one);
    },
  };
  return lookup;
};

const planMessage = ({ facts, registrations }: Message, known: DedupLookup): Planned => {
  const sent = newRegistrations(registrations, known).map(({ topic }) => topic);
  const applied = applyRules(
    facts.filter(({ id }) => !known.hasEvent(id)),
    known,
  );
  if ('skip' in applied) return { events: [], sent };
  rememberFacts(applied.publish, known);
  return {
    events: applied.publish.map(({ id, fact, corrects }) => ({ id, data: fact.data, corrects })),
    sent,
  };
};

/** Plans the messages in groups of these sizes, each cut where its messages cannot be decided together. */
const planAll = (messages: readonly Message[], sizes: readonly number[], start: Memory): Planned[] => {
  const memory: Memory = { events: new Set(start.events), facts: new Map(start.facts) };
  const planned: Planned[] = [];
  for (let at = 0, turn = 0; at < messages.length; turn += 1) {
    const waiting = messages.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    const group = waiting.slice(0, decidableTogether(waiting.map(({ facts }) => facts)));
    const facts = group.flatMap((message) => message.facts);
    const rules = [
      ...facts.flatMap((one) => one.rules),
      ...group.flatMap(({ registrations }) => registrations.map(({ rule }) => rule)),
    ];
    const known = lookupIn(
      memory,
      facts.map(({ id }) => id),
      rules.flatMap(readsOf),
    );
    planned.push(...group.map((message) => planMessage(message, known)));
    for (const id of known.added.events) memory.events.add(id);
    for (const { visit, fact, id } of known.added.facts) memory.facts.set(keyOf(visit, fact), id);
    at += group.length;
  }
  return planned;
};

const visits = fc.constantFrom('visit-1', 'visit-2');
const names = fc.constantFrom('stay', 'state');
const orders = fc.constantFrom('1', '2', '3');
const optional = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

const factWith = (visit: string) =>
  fc.record({
    remember: optional(
      fc.record({
        visit: fc.constant(visit),
        fact: names,
        onlyIf: fc.constantFrom('known', 'not-known', undefined),
        over: fc.boolean(),
      }),
    ),
    latest: optional(fc.record({ visit: fc.constant(visit), fact: fc.constant('address'), order: orders })),
    voids: optional(
      fc.record({
        visit: fc.constant(visit),
        fact: names,
        onlyIfKnown: fc.boolean(),
        event: fc.constantFrom('an-event', undefined),
      }),
    ),
    traits: fc.array(
      fc.record({
        visit: fc.constant(visit),
        name: fc.constantFrom('birth', 'maternity'),
        seen: fc.boolean(),
        data: fc.constantFrom({ method: 'maternity' }, { method: 'birth', ward: 'W1' }),
      }),
      { maxLength: 2 },
    ),
    data: fc.constant({ method: 'emergency' }),
  });

const facts = visits.chain((visit) =>
  factWith(visit).map((fact) => ({ visit, fact: fact as unknown as Fact })),
);

const registrationRule = fc.record({
  rule: fc.constant('registration' as const),
  visit: visits,
  fact: fc.constantFrom('shielded', 'interest'),
  state: fc.constantFrom('', 'a', 'b'),
  order: optional(orders),
});

/** Some messages are sent again: they have the same ids. */
const messages = fc
  .array(
    fc.record({
      facts: fc.array(facts, { maxLength: 3 }),
      registrations: fc.array(registrationRule, { maxLength: 2 }),
    }),
    { maxLength: 8 },
  )
  .chain((all) => {
    const made = all.map(
      (one, index): Message => ({
        facts: one.facts.map(({ visit, fact }, at) => ({
          fact,
          id: `event-${index}-${at}`,
          rules: rulesOf(fact, { visit, former: formerOf(visit) }),
        })),
        registrations: one.registrations.map((rule, at) => ({
          rule: { ...rule, former: formerOf(rule.visit) } satisfies MemoryRule,
          records: [{ topic: `${index}-${at}`, key: 'k', value: null }],
        })),
      }),
    );
    return fc
      .array(fc.nat({ max: Math.max(made.length - 1, 0) }), { maxLength: 12 })
      .map((repeats) => [...made, ...repeats.flatMap((index) => made[index] ?? [])]);
  });

const memories = fc
  .array(fc.tuple(fc.boolean(), visits, fc.constantFrom('stay', 'state', 'birth', 'shielded')))
  .map(
    (known): Memory => ({
      events: new Set(),
      facts: new Map(
        known.map(([isFormer, visit, fact]) => [
          keyOf(isFormer ? formerOf(visit) : visit, fact),
          `before-${fact}`,
        ]),
      ),
    }),
  );

test('any grouping of messages gives the same records as one by one', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(messages, sizes, memories, (all, groups, memory) => {
      assert.deepEqual(planAll(all, groups, memory), planAll(all, [1], memory));
    }),
    { numRuns: 2_000 },
  );
});

test('what the bytes of an event depend on is never decided in the same group', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const group = all.slice(0, decidableTogether(all.map(({ facts }) => facts)));
      const stated = new Set<string>();
      for (const { facts } of group) {
        for (const rule of facts.flatMap((one) => one.rules))
          for (const { visit, fact, written } of readsOf(rule))
            assert.ok(!written || !stated.has(keyOf(visit, fact)));
        for (const rule of facts.flatMap((one) => one.rules))
          if (rule.rule === 'remember' || (rule.rule === 'trait' && rule.seen))
            stated.add(keyOf(rule.visit, rule.fact));
      }
      assert.ok(group.length > 0 || all.length === 0);
    }),
  );
});

test('a fact that several rules skip is reported by what is newer, then by what there is to withdraw', () => {
  const at = { visit: 'visit-1', fact: 'stay' };
  const rules: MemoryRule[] = [
    { ...at, rule: 'remember', onlyIf: 'known', over: false },
    { ...at, rule: 'voids', onlyIfKnown: true, event: undefined },
    { ...at, fact: 'address', rule: 'latest', order: '1' },
  ];
  const reason = (count: number, order: string) => {
    const known = { lastEvent: (_: string, fact: string) => (fact === 'address' ? order : undefined) };
    const applied = applyRules([{ fact: {} as Fact, id: 'e', rules: rules.slice(0, count) }], known);
    return 'skip' in applied ? applied.skip : undefined;
  };
  assert.deepEqual(
    [reason(1, '0'), reason(2, '0'), reason(3, '0'), reason(3, '2')],
    ['nothing-new', 'nothing-to-void', 'nothing-to-void', 'older'],
  );
});
