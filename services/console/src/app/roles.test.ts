import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Codec } from '@causeway/runtime/avro/codec';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { AuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { type AgreementsState, applyRecord } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { testVariable } from '@causeway/testing/bus';
import type { Viewer } from '../access/viewer.ts';
import { createAgreementService } from '../agreements/agreement-service.ts';
import type { Disclosures } from '../disclosures/search.ts';
import { openStore, type Store } from '../store/store.ts';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { measuredFlows } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';
import { ADMISSION, agreementOf, stateOf, withPairs } from '../testing/world.ts';

/**
 * Every address of the console, for everybody who may ask for it. Two organisations have nothing to do with the viewer: whatever
 * belongs to them has this word in it, and markup where a text may have any.
 */
const FOREIGN = 'zephyr';
const MARKUP = '<script>alert(1)</script>';
const [A, B] = [`${FOREIGN}-trust`, `${FOREIGN}-council`];
const OWN = 'westshire-council';
const NEIGHBOUR = 'westshire-nhs-trust';
const EVENT = `${FOREIGN}-event-of-another`;

const log = createLogger('console', 'silent');
const schema = `test_${randomBytes(6).toString('hex')}`;
const stop = new AbortController();
const now = Date.now();
const ago = (minutes: number) => new Date(now - minutes * 60_000);
let store: Store;
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let state: AgreementsState;
const changes: unknown[] = [];
const searchedAs: Viewer[] = [];

const organisation = (id: string, name: string): Organisation => ({
  id,
  name,
  kind: 'council',
  handlingAccepted: [],
  dutyContacts: [{ hours: 'always', name: `Desk of ${name}`, telephone: '01632 960099' }],
});
const organisations = [
  organisation(OWN, 'Westshire Council'),
  organisation(NEIGHBOUR, 'Westshire Hospitals NHS Trust'),
  organisation(A, `${FOREIGN} ${MARKUP}`),
  organisation(B, `${FOREIGN} Council`),
];
const fields = { fields: ['person.name', 'admittedAt'], generalise: {}, necessity: {} };
const approvedBy = (ids: string[]) =>
  Object.fromEntries(
    ids.map((id) => [
      id,
      {
        regime: 'uk-gdpr' as const,
        article6: 'public-task' as const,
        article9: 'health-or-social-care' as const,
        approvedBy: 'A lead',
        approvedAt: '2026-06-15',
      },
    ]),
  );
const agreements = () =>
  stateOf([
    agreementOf({ id: 'own-stay', release: { [ADMISSION]: fields } }),
    agreementOf({
      id: `${FOREIGN}-stay`,
      title: `${FOREIGN} ${MARKUP}`,
      from: A,
      to: [B],
      parties: approvedBy([A, B]),
      valid: { from: '2026-07-01', until: '2026-07-02', review: '2026-07-02', graceDays: 1 },
      release: { [ADMISSION]: fields },
    }),
  ]);

const foreignLetter = (): FetchedRecord => ({
  offset: 1,
  timestamp: now,
  key: null,
  value: Buffer.from(`MSH|${FOREIGN}|${MARKUP}`),
  headers: { 'dl-reason': Buffer.from(`${FOREIGN}${MARKUP}`), 'dl-component': Buffer.from(FOREIGN) },
});

const SEED = `
insert into dead_letter (organisation, "offset", at, component, reason, origin, attempts, content_type, type, source, bytes)
  values ('${A}', 1, now(), '${FOREIGN}${MARKUP}', '${FOREIGN}${MARKUP}', '${FOREIGN}${MARKUP}', 1, '${MARKUP}', '${FOREIGN}${MARKUP}', '${A}', 9);
insert into redrive (id, organisation, dead_letter, batch, asked_by, reason, asked_at, outcome, code)
  values ('r1', '${A}', 1, 'batch-of-another', '${FOREIGN}${MARKUP}', '${FOREIGN} ${MARKUP}', now(), '${MARKUP}', '${FOREIGN}${MARKUP}');
insert into person_case (organisation, kind, key, writer, reference, reason, since, ends, published_at)
  values ('${A}', 'interest', 'k', '${FOREIGN}', '${FOREIGN}${MARKUP}', '${MARKUP}', now(), now(), now());
insert into lag_sample values (now(), '${A}', 'exchange', '', 4711, 4711);
insert into duration_day values ('${FOREIGN}-stay', current_date, 'delivered', 14, 40);
insert into release_month values ('${FOREIGN}-stay', date_trunc('month', now()), 4711)`;

/** The desk as it is, over a log in memory. */
const desk = () => {
  const followed: Agreements = {
    state: () => state,
    freshWithin: () => true,
    close: async () => undefined,
  } as unknown as Agreements;
  const change: AuditLedger['change'] = async (plan) => {
    const records = plan(state);
    changes.push(...records);
    state = records.reduce(applyRecord, state);
    return { records, state };
  };
  return createAgreementService({
    agreements: followed,
    ledger: { change } as AuditLedger,
    organisations: { all: () => organisations },
    codec: { idOf: async () => 1 } as unknown as Codec,
    catalogue: loadCatalogue(),
  });
};
const disclosures: Disclosures = {
  search: async (viewer) => {
    searchedAs.push(viewer);
    return { disclosures: [], more: false, current: true };
  },
  ofEvent: async () => ({ disclosures: [], more: false, current: true }),
  ofRecipient: async () => ({ disclosures: [], more: false, current: true }),
  ofAgreement: async () => ({ disclosures: [], more: false, current: true }),
};

before(async () => {
  state = agreements();
  store = openStore({ url: testVariable('DATABASE_URL'), schema, log, signal: stop.signal });
  await store.migrated;
  await store.query(SEED);
  provider = await startOpenIdProvider();
  const flows = organisations.map(({ id, name }) => ({
    id,
    name,
    perSecond: 1,
    releasedPerSecond: 1,
    stoppedForMs: id === A ? 600_000 : 0,
  }));
  const look = { organisation: A, name: `${FOREIGN}${MARKUP}`, events: 4711, seconds: 4711 };
  const answer = { next: 0, endOffset: 0, records: [foreignLetter()], outOfRange: false };
  const letters: unknown = { fetch: async () => [answer], close: async () => undefined };
  site = await startConsoleUnderTest({
    issuer: provider.issuer,
    measured: withPairs(measuredFlows(flows, now), [
      { source: A, recipient: B, released: 7, withheld: 3 },
      { source: NEIGHBOUR, recipient: OWN, released: 7, withheld: 3 },
    ]),
    readers: {
      store,
      organisations: () => organisations,
      agreements: () => state,
      lag: () => ({
        at: now,
        readers: [{ ...look, pulls: false, retrying: 1, lastAt: now - 600_000, lastCode: FOREIGN }],
        inboxes: [{ organisation: A, type: `${FOREIGN}${MARKUP}`, events: 4711, seconds: 4711 }],
      }),
      attention: () => ({
        at: now,
        onTheirWay: 0,
        pressing: [
          {
            source: A,
            eventId: EVENT,
            recipient: B,
            type: `${FOREIGN}${MARKUP}`,
            agreements: [`${FOREIGN}-stay/1`],
            priority: 'immediate',
            releasedAt: ago(60),
            actBy: ago(30),
            deliveredAt: null,
            failed: true,
          },
        ],
        silent: [{ organisation: A, system: `${FOREIGN}${MARKUP}`, seconds: 9_000, usually: 60 }],
        failing: [{ organisation: A, component: `${FOREIGN}${MARKUP}`, waiting: 4711, today: 1 }],
      }),
      parts: () => [
        {
          name: `${FOREIGN}-adapter`,
          organisation: A,
          status: 'not-ready',
          since: now,
          detail: `${FOREIGN} ${MARKUP}`,
        },
      ],
      ledgers: () => ({ since: now, signedAt: now, broken: [`ledger.${A}/2`] }),
      interests: () => [{ organisation: A, today: 4_711, usually: 1 }],
    },
    flowTotals: [
      {
        source: A,
        system: `${FOREIGN}${MARKUP}`,
        recipient: B,
        type: `${FOREIGN}${MARKUP}`,
        outcome: `${FOREIGN}${MARKUP}`,
        hour: 1,
        day: 1,
      },
    ],
    agreements: desk(),
    disclosures,
    cases: { ledger: { record: async () => undefined } },
    failures: {
      codec: {} as Codec,
      producer: { send: async () => [] },
      ledger: { record: async () => undefined },
      reader: () => letters as Reader,
    },
  });
});
after(async () => {
  stop.abort();
  await store?.query(`drop schema ${schema} cascade`);
  await Promise.all([site?.close(), provider?.close(), store?.close()]);
});

type Kind = 'page' | 'stream' | 'call' | 'form';
type Door = {
  route: string;
  kind: Kind;
  /** What is asked for: something of another organisation where the address can name it. */
  path?: string;
  form?: Record<string, string>;
  body?: object;
  headers?: Record<string, string>;
  /** Statuses of those who are signed in; 200 by default. */
  operator?: number;
  lead?: number;
};

const GONE = 404;
const NOT_MINE = 403;
const status = { status: 'active', reason: 'because I want to' };
const person = { scheme: 'nhs', value: '9990000018', reason: 'a test' };

/** Everything that wants a log-in. */
const DOORS: Door[] = [
  { route: 'GET /now', kind: 'page' },
  { route: 'GET /now/stream', kind: 'stream' },
  { route: 'GET /flow', kind: 'page' },
  { route: 'GET /flow/stream', kind: 'stream' },
  { route: 'GET /throughput', kind: 'page', path: `/throughput?organisation=${A}`, operator: 303, lead: 303 },
  { route: 'GET /throughput/stream', kind: 'stream', path: `/throughput/stream?organisation=${A}` },
  { route: 'GET /api/throughput', kind: 'call' },
  { route: 'GET /lag', kind: 'page', path: `/lag?of=exchange&organisation=${A}` },
  { route: 'GET /lag/stream', kind: 'stream', path: `/lag/stream?of=exchange&organisation=${A}` },
  { route: 'GET /api/lag', kind: 'call' },
  { route: 'GET /failures', kind: 'page', path: `/failures?organisation=${A}` },
  { route: 'GET /failures/stream', kind: 'stream', path: `/failures/stream?organisation=${A}` },
  { route: 'GET /api/dead-letters', kind: 'call', path: `/api/dead-letters?organisation=${A}` },
  {
    route: 'GET /failures/:organisation/:offset',
    kind: 'page',
    path: `/failures/${A}/1`,
    operator: GONE,
    lead: GONE,
  },
  {
    route: 'POST /failures/:organisation/:offset',
    kind: 'form',
    path: `/failures/${A}/1`,
    form: { why: 'I would like to' },
    operator: NOT_MINE,
    lead: GONE,
  },
  { route: 'POST /failures/redrive/check', kind: 'form', form: { what: 'selected', pick: `${A}/1` } },
  {
    route: 'POST /failures/redrive',
    kind: 'form',
    form: { what: 'selected', pick: `${A}/1`, why: 'mended' },
    operator: 303,
    lead: 303,
  },
  {
    route: 'GET /failures/redrives/:batch',
    kind: 'page',
    path: '/failures/redrives/batch-of-another',
    operator: GONE,
    lead: GONE,
  },
  {
    route: 'GET /failures/redrives/:batch/stream',
    kind: 'stream',
    path: '/failures/redrives/batch-of-another/stream',
  },
  {
    route: 'POST /api/dead-letters/redrive',
    kind: 'call',
    body: { filter: { picked: [`${A}/1`] }, reason: 'mended' },
    operator: 202,
    lead: 202,
  },
  {
    route: 'GET /api/dead-letters/redrives/:batch',
    kind: 'call',
    path: '/api/dead-letters/redrives/batch-of-another',
    operator: GONE,
    lead: GONE,
  },
  { route: 'GET /agreements', kind: 'page' },
  {
    route: 'GET /agreements/:id',
    kind: 'page',
    path: `/agreements/${FOREIGN}-stay`,
    operator: GONE,
    lead: GONE,
  },
  {
    route: 'POST /agreements/:id',
    kind: 'form',
    path: `/agreements/${FOREIGN}-stay`,
    form: { status: 'suspended', reason: 'because I want to' },
    operator: GONE,
    lead: GONE,
  },
  { route: 'GET /api/agreements', kind: 'call' },
  {
    route: 'GET /api/agreements/:id',
    kind: 'call',
    path: `/api/agreements/${FOREIGN}-stay`,
    operator: GONE,
    lead: GONE,
  },
  {
    route: 'PUT /api/agreements/:id',
    kind: 'call',
    path: `/api/agreements/${FOREIGN}-stay`,
    body: { id: `${FOREIGN}-stay` },
    headers: { 'if-match': '"1"' },
    operator: NOT_MINE,
    lead: 422,
  },
  {
    route: 'POST /api/agreements/:id/status',
    kind: 'call',
    path: `/api/agreements/${FOREIGN}-stay/status`,
    body: status,
    operator: GONE,
    lead: GONE,
  },
  { route: 'GET /api/checkpoints/latest', kind: 'call', operator: GONE, lead: GONE },
  { route: 'GET /value', kind: 'page' },
  { route: 'GET /disclosures', kind: 'page', operator: NOT_MINE },
  { route: 'POST /disclosures', kind: 'form', form: person, operator: NOT_MINE },
  { route: 'POST /api/disclosures/search', kind: 'call', body: person, operator: NOT_MINE },
  {
    route: 'GET /disclosures/cases',
    kind: 'page',
    path: `/disclosures/cases?organisation=${A}`,
    operator: NOT_MINE,
  },
  { route: 'POST /disclosures/cases', kind: 'form', form: { reference: 'X' }, operator: NOT_MINE },
  { route: 'GET /api/cases', kind: 'call', path: `/api/cases?organisation=${A}`, operator: NOT_MINE },
];

/** For everybody: nothing of these is anybody's own side. */
const PUBLIC = [
  'GET /',
  'GET /sign-in',
  'GET /sign-in/callback',
  'POST /sign-out',
  'GET /signed-out',
  'GET /register',
  'GET /register.json',
  'GET /register.csv',
  'GET /accessibility',
  'GET /checkpoints/key',
  'GET /api/openapi.json',
];

type Asking = ReturnType<typeof createUserAgent>;
const pathOf = ({ route, path }: Door) => path ?? route.split(' ')[1] ?? '';
const methodOf = ({ route }: Door) => route.split(' ')[0] ?? '';

/** What is answered; of a stream what comes first. */
const ask = async (agent: Asking, door: Door, { csrf, token }: { csrf?: string; token?: string }) => {
  const reading = new AbortController();
  const answer = await agent.request(site.url + pathOf(door), {
    method: methodOf(door),
    signal: reading.signal,
    headers: {
      ...door.headers,
      ...(door.body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(door.form ? { body: new URLSearchParams({ ...door.form, ...(csrf ? { csrf } : {}) }) } : {}),
    ...(door.body ? { body: JSON.stringify(door.body) } : {}),
  });
  const text =
    door.kind === 'stream' && answer.ok
      ? await beginningOf(answer, () => reading.abort())
      : await answer.text();
  return { status: answer.status, text: text + (answer.headers.get('location') ?? '') };
};

const beginningOf = async (answer: Response, stopReading: () => void): Promise<string> => {
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    if (/event: (state|history)/.test(text)) break;
  }
  stopReading();
  return text;
};

const signedIn = async (account: Account) => {
  provider.become(account);
  const agent = createUserAgent();
  await agent.visit(`${site.url}/now`);
  const page = await (await agent.request(`${site.url}/now`)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const token = await provider.token();
  return { agent, csrf, ask: (door: Door) => ask(agent, door, door.kind === 'call' ? { token } : { csrf }) };
};

test('the table names every address that there is', () => {
  const known = [...DOORS.map(({ route }) => route), ...PUBLIC].sort();
  assert.deepEqual(
    known,
    site.routes().filter((route) => !/\.(css|js|svg)$/.test(route)),
  );
});

describe('without a log-in', () => {
  for (const door of DOORS)
    test(`${door.route} shows nothing`, async () => {
      const { status: answered, text } = await ask(createUserAgent(), door, {});
      assert.equal(answered, door.kind === 'call' || door.kind === 'stream' ? 401 : 303);
      assert.ok(!text.includes(FOREIGN) || pathOf(door).includes(FOREIGN));
    });
});

for (const role of ['operator', 'lead'] as const)
  describe(`${role} of another organisation`, () => {
    let person: Awaited<ReturnType<typeof signedIn>>;
    before(async () => {
      const roles = [role === 'lead' ? 'information-governance' : 'operator'];
      person = await signedIn({ roles, organisation: OWN, name: 'Somebody' });
    });
    for (const door of DOORS)
      test(`${door.route} is answered as it should be, with nothing of what is not theirs`, async () => {
        const { status: answered, text } = await person.ask(door);
        assert.equal(answered, door[role] ?? 200, text.slice(0, 300));
        const echoed = new Set([A, `${FOREIGN}-stay`]);
        const found = [...text.matchAll(new RegExp(`${FOREIGN}[\\w-]*`, 'g'))].map(([word]) => word);
        assert.deepEqual(
          found.filter((word) => !echoed.has(word) || !pathOf(door).includes(word)),
          [],
        );
        assert.ok(!/4,?711/.test(text), 'a figure of somebody else is shown');
      });
  });

test('nothing of it has changed or asked for anything of the others, and searches were on the own side', async () => {
  assert.deepEqual(changes, []);
  assert.deepEqual(await store.query(`select id from redrive where id <> 'r1'`), []);
  assert.ok(searchedAs.length > 0 && searchedAs.every((viewer) => viewer.organisation === OWN));
});

describe('of the own agreement', () => {
  const wish = (wanted: string): Door => ({
    route: 'POST /api/agreements/:id/status',
    kind: 'call',
    path: '/api/agreements/own-stay/status',
    body: { status: wanted, reason: 'because of the test' },
  });
  const form = (wanted: string): Door => ({
    route: 'POST /agreements/:id',
    kind: 'form',
    path: '/agreements/own-stay',
    form: { status: wanted, reason: 'because of the test' },
  });
  const CASES: [roles: string[], organisation: string, wanted: string, expected: number][] = [
    [['information-governance'], OWN, 'ended', 403],
    [['operator'], NEIGHBOUR, 'ended', 403],
    [['operator'], OWN, 'suspended', 200],
    [['information-governance'], OWN, 'active', 403],
    [['operator'], NEIGHBOUR, 'active', 403],
    [['information-governance'], NEIGHBOUR, 'active', 200],
    [['information-governance'], OWN, 'suspended', 200],
  ];
  for (const [roles, organisation, wanted, expected] of CASES)
    test(`${roles[0]} of the ${organisation === OWN ? 'recipient' : 'source'} makes it ${wanted}: ${expected}`, async () => {
      const person = await signedIn({ roles, organisation, name: 'Somebody' });
      const byForm = await person.ask(form(wanted));
      assert.equal(byForm.status, expected === 200 ? 303 : expected, byForm.text.slice(0, 300));
      assert.equal((await person.ask(wish(wanted))).status, expected);
    });
});

describe('a form', () => {
  for (const door of DOORS.filter(({ kind }) => kind === 'form'))
    test(`${door.route} with the token of another session does nothing`, async () => {
      const one = await signedIn({ roles: ['operator', 'information-governance'], name: 'One' });
      const another = await signedIn({ roles: ['operator', 'information-governance'], name: 'Another' });
      const before = state;
      for (const csrf of [another.csrf, '']) assert.equal((await ask(one.agent, door, { csrf })).status, 403);
      assert.equal(state, before);
    });
  for (const door of DOORS.filter(({ kind, route }) => kind === 'call' && !route.startsWith('GET')))
    test(`${door.route} with nothing but the cookie does nothing`, async () => {
      const { agent } = await signedIn({ roles: ['operator', 'information-governance'], name: 'One' });
      assert.equal((await ask(agent, door, {})).status, 403);
    });
});

/** Figures as JSON, which its script writes as text. */
const JSON_FOR_A_SCRIPT = 'GET /throughput/stream';

describe('markup in anything that came over the bus', () => {
  for (const door of DOORS.filter(({ route, kind }) => route.startsWith('GET') && kind !== 'call'))
    test(`is text on ${door.route}`, async () => {
      const person = await signedIn({ roles: ['operator', 'information-governance'], name: MARKUP });
      const { status: answered, text } = await person.ask(door);
      assert.equal(answered, 200, text.slice(0, 300));
      assert.ok(door.route === JSON_FOR_A_SCRIPT || !text.includes(MARKUP));
      assert.ok(
        door.kind === 'stream' || text.includes('&lt;script&gt;'),
        'the markup is not on the page at all',
      );
    });
  test('is text in the public register', async () => {
    const text = await (await fetch(`${site.url}/register`)).text();
    assert.ok(!text.includes(MARKUP) && text.includes('&lt;script&gt;'));
  });
});
