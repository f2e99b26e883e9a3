import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { measuredFlows, NO_LOOKS } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';

const OPERATOR: Account = { roles: ['operator'], name: 'Operations' };
const TWO_FLOWS = measuredFlows(
  [
    { id: 'a-council', name: 'A Council', perSecond: 3, releasedPerSecond: 2 },
    { id: 'a-trust', name: 'A Trust', perSecond: 5, releasedPerSecond: 1 },
  ],
  Date.now(),
);

let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let site: Awaited<ReturnType<typeof startConsoleUnderTest>>;
let production: Awaited<ReturnType<typeof startConsoleUnderTest>>;

before(async () => {
  provider = await startOpenIdProvider();
  const { issuer } = provider;
  site = await startConsoleUnderTest({ issuer, measured: TWO_FLOWS });
  production = await startConsoleUnderTest({ issuer, measured: TWO_FLOWS, production: true });
});
after(async () => {
  await Promise.all([site.close(), production.close(), provider.close()]);
});

const signedIn = async (account = OPERATOR, at = site) => {
  provider.become(account);
  const agent = createUserAgent();
  const response = await agent.visit(`${at.url}/throughput`);
  return { agent, response, html: await response.text() };
};
const csrfIn = (html: string) => /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
const sessionOf = (agent: ReturnType<typeof createUserAgent>) =>
  agent.jarOf(site.url).get('causeway-session');
const signOut = (agent: ReturnType<typeof createUserAgent>, csrf: string) =>
  agent.request(`${site.url}/sign-out`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ csrf }),
  });

describe('signing in', () => {
  test('a page asks for a log-in first and is shown after it', async () => {
    const { response, html } = await signedIn();
    assert.equal(response.status, 200);
    assert.match(html, /<h1[^>]*>Throughput<\/h1>/);
    assert.match(html, /Operations/);
  });

  test('without a log-in no page, stream or API call shows anything', async () => {
    const page = await fetch(`${site.url}/throughput?organisation=a-trust`, { redirect: 'manual' });
    assert.equal(page.status, 303);
    assert.equal(page.headers.get('location'), '/sign-in?return=%2Fthroughput%3Forganisation%3Da-trust');
    for (const path of ['/throughput/stream', '/api/throughput', '/api/lag']) {
      const response = await fetch(site.url + path);
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
    }
  });

  test('one comes back to the page that one asked for', async () => {
    provider.become(OPERATOR);
    const response = await createUserAgent().visit(`${site.url}/throughput?organisation=a-trust`);
    assert.ok(response.url.endsWith('/throughput?organisation=a-trust'), response.url);
  });

  test('a link to the log-in page leads nowhere else', async () => {
    provider.become(OPERATOR);
    for (const path of ['//elsewhere.example', 'https://elsewhere.example/', '/\\elsewhere.example']) {
      const agent = createUserAgent();
      const response = await agent.visit(`${site.url}/sign-in?return=${encodeURIComponent(path)}`);
      assert.equal(response.url, `${site.url}/now`);
    }
  });

  test('the session cookie is hidden from scripts and is not sent along from other sites', async () => {
    provider.become(OPERATOR);
    const agent = createUserAgent();
    const callback = await agent.visitUntil(`${site.url}/sign-in`, `${site.url}/sign-in/callback`);
    const cookies = (await agent.request(callback)).headers.getSetCookie();
    const session = cookies.find((cookie) => cookie.startsWith('causeway-session='));
    assert.match(session ?? '', /; HttpOnly/);
    assert.match(session ?? '', /; SameSite=Lax/);
  });

  test('over https the cookies are bound to the host and to https', async (t) => {
    const https = await startConsoleUnderTest({
      issuer: provider.issuer,
      measured: NO_LOOKS,
      publicUrl: 'https://console.example',
    });
    t.after(() => https.close());
    const response = await fetch(`${https.url}/sign-in`, { redirect: 'manual' });
    assert.match(response.headers.getSetCookie()[0] ?? '', /^__Host-causeway-log-in=.*; Path=\/;.*Secure/);
    const target = new URL(response.headers.get('location') ?? '');
    assert.equal(target.searchParams.get('redirect_uri'), 'https://console.example/sign-in/callback');
    assert.equal(target.searchParams.get('code_challenge_method'), 'S256');
    assert.match(response.headers.get('strict-transport-security') ?? '', /max-age/);
  });

  test('the return from another attempt, or with another state, is refused', async () => {
    provider.become(OPERATOR);
    const victim = createUserAgent();
    const attacker = createUserAgent();
    const stolen = await attacker.visitUntil(`${site.url}/sign-in`, `${site.url}/sign-in/callback`);
    // Without an attempt of one's own, and with one.
    assert.equal((await victim.request(stolen)).status, 400);
    await victim.request(`${site.url}/sign-in`);
    assert.equal((await victim.request(stolen)).status, 400);
    assert.equal(sessionOf(victim), undefined);
  });

  test('the return of an attempt works once', async () => {
    provider.become(OPERATOR);
    const agent = createUserAgent();
    const callback = await agent.visitUntil(`${site.url}/sign-in`, `${site.url}/sign-in/callback`);
    assert.equal((await agent.request(callback)).status, 303);
    assert.equal((await agent.request(callback)).status, 400);
  });

  test('a log-in makes a new session, whatever the browser brought', async () => {
    const { agent } = await signedIn();
    const before = sessionOf(agent);
    await agent.visit(`${site.url}/sign-in`);
    assert.ok(before && sessionOf(agent) && sessionOf(agent) !== before);
  });

  test('without one of the console’s roles one is told so and gets no session', async () => {
    const { agent, response, html } = await signedIn({ roles: ['clinician'], name: 'Somebody' });
    assert.equal(response.status, 403);
    assert.match(html, /You do not have access/);
    assert.equal(sessionOf(agent), undefined);
  });

  test('a cancelled log-in is explained', async () => {
    const agent = createUserAgent();
    const first = await agent.request(`${site.url}/sign-in`);
    const state = new URL(first.headers.get('location') ?? '').searchParams.get('state');
    const response = await agent.request(`${site.url}/sign-in/callback?error=access_denied&state=${state}`);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /Sign in again/);
  });

  test('while the provider is away one is told so', async (t) => {
    const away = await startOpenIdProvider();
    const { issuer } = away;
    await away.close();
    const lonely = await startConsoleUnderTest({ issuer, measured: NO_LOOKS });
    t.after(() => lonely.close());
    const response = await fetch(`${lonely.url}/sign-in`);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /cannot sign in at the moment/);
  });

  test('localhost is taken to the address that the provider knows', async () => {
    const other = site.url.replace('127.0.0.1', 'localhost');
    const response = await fetch(`${other}/sign-in?return=/throughput`, { redirect: 'manual' });
    assert.equal(response.headers.get('location'), `${site.url}/sign-in?return=%2Fthroughput`);
  });
});

describe('signing out', () => {
  test('ends the session for good, for a kept copy of the cookie too', async () => {
    const { agent, html } = await signedIn();
    const kept = sessionOf(agent) ?? '';
    const response = await signOut(agent, csrfIn(html));
    assert.equal(response.headers.get('location'), '/signed-out');
    assert.equal(sessionOf(agent), undefined);
    const again = await fetch(`${site.url}/throughput`, {
      redirect: 'manual',
      headers: { cookie: `causeway-session=${kept}` },
    });
    assert.equal(again.status, 303);
    assert.match(await (await fetch(`${site.url}/signed-out`)).text(), /You are signed out/);
  });

  test('takes a form of this very session, and nothing else', async () => {
    const { agent, html } = await signedIn();
    const { html: others } = await signedIn();
    for (const csrf of ['', 'made up', csrfIn(others)]) {
      assert.equal((await signOut(agent, csrf)).status, 403);
    }
    assert.equal((await agent.request(`${site.url}/sign-out`)).status, 404);
    assert.ok(sessionOf(agent));
    assert.equal((await signOut(agent, csrfIn(html))).status, 303);
  });
});

describe('who sees what', () => {
  type Throughput = { organisations: { organisation: string }[] };
  const asked = async (token: string, at = site, path = '/api/throughput') =>
    await fetch(at.url + path, { headers: { authorization: `Bearer ${token}` } });

  test('the API takes a bearer token; without an organisation it acts for all, in development', async () => {
    provider.become(OPERATOR);
    const response = await asked(await provider.token());
    const body = (await response.json()) as Throughput;
    assert.deepEqual(
      body.organisations.map(({ organisation }) => organisation),
      ['a-council', 'a-trust'],
    );
  });

  test('a token of an organisation sees that organisation only', async () => {
    provider.become({ roles: ['information-governance'], organisation: 'a-trust' });
    const token = await provider.token();
    for (const path of ['/api/throughput', '/api/lag']) {
      const body = (await (await asked(token, site, path)).json()) as Throughput;
      assert.deepEqual(
        body.organisations.map(({ organisation }) => organisation),
        ['a-trust'],
      );
    }
  });

  test('a person of an organisation sees no other organisation on the page', async () => {
    const { html, agent } = await signedIn({
      roles: ['operator'],
      organisation: 'a-trust',
      name: 'Operations',
    });
    assert.match(html, /A Trust/);
    assert.doesNotMatch(html, /A Council/);
    const other = await agent.request(`${site.url}/throughput?organisation=a-council`);
    assert.equal(other.headers.get('location'), '/throughput');
  });

  test('production refuses a token and a log-in without organisation', async () => {
    provider.become(OPERATOR);
    const response = await asked(await provider.token(), production);
    assert.equal(response.status, 403);
    assert.equal(((await response.json()) as { type: string }).type, 'urn:causeway:problem:no-organisation');
    const { html } = await signedIn(OPERATOR, production);
    assert.match(html, /not tied to an organisation/);
  });

  test('a token for another service, without a role, or none at all is refused', async () => {
    provider.become(OPERATOR);
    assert.equal((await asked(await provider.token('causeway-gateway'))).status, 401);
    provider.become({ roles: [] });
    assert.equal((await asked(await provider.token())).status, 403);
    assert.equal((await asked('not.a.token')).status, 401);
  });
});

describe('the pages themselves', () => {
  test('run no script and load nothing but their own', async () => {
    const { response, html } = await signedIn();
    assert.equal(response.status, 200);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none';script-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style="| on[a-z]+="/);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('x-powered-by'), null);
  });

  test('borrow neither the crown nor the typeface of GOV.UK', async () => {
    const css = await (await fetch(`${site.url}/assets/govuk-frontend.css`)).text();
    assert.doesNotMatch(css, /GDS Transport|crest|@font-face/);
    assert.match(css, /\.govuk-button/);
  });

  test('show markup in a name as text', async (t) => {
    const name = '<img src=x onerror=alert(1)>"\'{{7*7}}';
    const measured = measuredFlows(
      [{ id: 'a-council', name, perSecond: 1, releasedPerSecond: 1 }],
      Date.now(),
    );
    const hostile = await startConsoleUnderTest({ issuer: provider.issuer, measured });
    t.after(() => hostile.close());
    const { html } = await signedIn({ ...OPERATOR, name }, hostile);
    assert.doesNotMatch(html, /<img src=x/);
    assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;/);
  });

  test('an address that nothing can be called is refused as one, and is no fault of ours', async () => {
    for (const [path, status] of [
      ['/failures/%00/1', 404],
      ['/agreements/a%00', 404],
      ['/failures?reason=%00', 404],
      ['/failures/%ff/1', 400],
      ['/agreements/%E0%A4%A', 400],
    ] as const) {
      const page = await fetch(site.url + path, { redirect: 'manual' });
      assert.equal(page.status, status, path);
      assert.match(await page.text(), /There is no page at this address/);
    }
    assert.equal((await fetch(`${site.url}/api/agreements/%00`)).status, 404);
  });

  test('an unknown address says so, as a page or to a program', async () => {
    const page = await fetch(`${site.url}/nowhere`);
    assert.equal(page.status, 404);
    assert.match(await page.text(), /There is no page at this address/);
    const api = await fetch(`${site.url}/api/nowhere`);
    assert.match(api.headers.get('content-type') ?? '', /problem\+json/);
  });
});
