import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, test } from 'node:test';
import { type JWTPayload, SignJWT } from 'jose';
import { createAccessVerifier, requireOrganisation, requireRole, requireScope } from './access-token.ts';
import { type Listening, listen, Problem } from './http-server.ts';

const AUDIENCE = 'causeway-gateway';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
const keys = [jwk(rsa.publicKey, 'rsa'), jwk(ec.publicKey, 'ec'), jwk(ed.publicKey, 'ed')];

/** A provider that publishes its keys; `down` makes it answer 503. */
async function provider(): Promise<Listening & { setDown(down: boolean): void; asked: string[] }> {
  let down = false;
  const setDown = (value: boolean): void => {
    down = value;
  };
  const asked: string[] = [];
  const listening = await listen(
    (request, response) => {
      asked.push(request.url ?? '');
      response.statusCode = down ? 503 : 200;
      response.setHeader('content-type', 'application/json');
      const url = `http://${request.headers.host}`;
      response.end(
        JSON.stringify(request.url === '/jwks' ? { keys } : { issuer: url, jwks_uri: `${url}/jwks` }),
      );
    },
    { host: '127.0.0.1', port: 0 },
  );
  return { ...listening, asked, setDown };
}

const issuer = await provider();
after(issuer.close);

type Recipe = {
  claims?: JWTPayload;
  header?: Record<string, unknown>;
  key?: KeyObject | Uint8Array;
  alg?: string;
};

async function token({ claims, header, key = ec.privateKey, alg = 'ES256' }: Recipe = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    iss: issuer.url,
    aud: AUDIENCE,
    sub: 's',
    client_id: 'c',
    iat: now,
    exp: now + 60,
    ...claims,
  };
  const present = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(present)
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'ec', ...header })
    .sign(key, { crit: { exp2: true } });
}

function unsigned(claims: JWTPayload, alg: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg, typ: 'at+jwt', kid: 'ec' })}.${part(claims)}.`;
}

const verifier = () => createAccessVerifier({ issuer: issuer.url, audience: AUDIENCE });
const verify = async (recipe: Recipe = {}) => verifier().verify(`Bearer ${await token(recipe)}`);

test('a good token tells who calls', async () => {
  const claims = {
    organisation: 'westshire-council',
    scope: 'events:read events:write',
    roles: ['operator', 7],
  };
  const { expiresAt, ...access } = await verify({ claims });
  assert.ok(expiresAt > Date.now() && expiresAt % 1_000 === 0);
  assert.deepEqual(access, {
    subject: 's',
    clientId: 'c',
    organisation: 'westshire-council',
    roles: ['operator'],
    scopes: ['events:read', 'events:write'],
  });
});

test('the algorithms of the list are accepted', async () => {
  await verify({ key: rsa.privateKey, alg: 'RS256', header: { kid: 'rsa' } });
  await verify({ key: rsa.privateKey, alg: 'PS256', header: { kid: 'rsa' } });
  await verify({ key: ed.privateKey, alg: 'EdDSA', header: { kid: 'ed' } });
  await verify({ claims: { aud: ['other', AUDIENCE] } });
  await verify({ header: { typ: 'application/at+jwt' } });
});

test('a token without organisation, scope or roles is good and grants nothing', async () => {
  const access = await verify();
  const { expiresAt: _, ...rest } = access;
  assert.deepEqual(rest, { subject: 's', clientId: 'c', roles: [], scopes: [] });
  assert.throws(() => requireOrganisation(access), refusalOf(403, 'organisation-required'));
  assert.throws(() => requireRole(access, 'operator'), refusalOf(403, 'insufficient-role'));
  assert.throws(
    () => requireScope(access, 'events:read'),
    refusalOf(403, 'insufficient-scope', /scope="events:read"/),
  );
});

const now = Math.floor(Date.now() / 1_000);
const publicKeyAsSecret = new TextEncoder().encode(
  String(rsa.publicKey.export({ type: 'spki', format: 'pem' })),
);
const REFUSED: Record<string, Recipe> = {
  'that has expired': { claims: { exp: now - 60 } },
  'that never expires': { claims: { exp: undefined } as unknown as JWTPayload },
  'that is not valid yet': { claims: { nbf: now + 60 } },
  'for another audience': { claims: { aud: 'causeway-console' } },
  'without audience': { claims: { aud: undefined } as unknown as JWTPayload },
  'of another issuer': { claims: { iss: 'https://other.example' } },
  'without subject': { claims: { sub: undefined } as unknown as JWTPayload },
  'without client': { claims: { client_id: undefined } },
  'whose organisation is no id': { claims: { organisation: '../Westshire Council' } },
  'whose organisation is a list': { claims: { organisation: ['westshire-council'] } },
  'that is an identity token': { header: { typ: 'JWT' } },
  'without type': { header: { typ: undefined } },
  'signed by a stranger under a known key id': { key: stranger.privateKey },
  'with an unknown key id': { header: { kid: 'unknown' } },
  'signed with the public key as a shared secret': {
    key: publicKeyAsSecret,
    alg: 'HS256',
    header: { kid: 'rsa' },
  },
  'signed with the key’s own JSON as a shared secret': {
    key: new TextEncoder().encode(JSON.stringify(keys[0])),
    alg: 'HS256',
    header: { kid: 'rsa' },
  },
  'signed with an empty secret': { key: new Uint8Array(32), alg: 'HS256', header: { kid: '' } },
  'that brings the key it was signed with': {
    key: stranger.privateKey,
    header: { kid: undefined, jwk: stranger.publicKey.export({ format: 'jwk' }) },
  },
  'that says where its key would be': {
    key: stranger.privateKey,
    header: { kid: 'stranger', jku: 'https://stranger.example/jwks', x5u: 'https://stranger.example/x' },
  },
  'that asks for an extension nobody knows': { header: { crit: ['exp2'], exp2: 1 } },
  'that names a key of another algorithm': { header: { kid: 'rsa' } },
  'whose end is no number': { claims: { exp: 'tomorrow' } as unknown as JWTPayload },
  'whose beginning is no number': { claims: { nbf: 'yesterday' } as unknown as JWTPayload },
  'for an audience that is only alike': { claims: { aud: `${AUDIENCE}.example` } },
  'of an issuer that is only alike': { claims: { iss: 'ALIKE' } },
  'whose organisation is empty': { claims: { organisation: '' } },
  'with an algorithm that is not on the list': { key: rsa.privateKey, alg: 'RS512', header: { kid: 'rsa' } },
};

for (const [what, recipe] of Object.entries(REFUSED)) {
  test(`a token ${what} is refused`, async () => {
    const alike = recipe.claims?.iss === 'ALIKE' ? { claims: { iss: `${issuer.url}/` } } : recipe;
    await assert.rejects(verify(alike), refusalOf(401, 'invalid-token', /error="invalid_token"/));
  });
}

test('a token without signature is refused, however that is written', async () => {
  const claims = { iss: issuer.url, aud: AUDIENCE, sub: 's', client_id: 'c', exp: now + 60 };
  const [head, body] = (await token()).split('.');
  const written = ['none', 'None', 'NONE', 'nOnE', ''].map((alg) => unsigned(claims, alg));
  for (const bad of [...written, `${head}.${body}.`, `${head}.${body}`, `${head}.${body}.AA.AA.AA`])
    await assert.rejects(verifier().verify(`Bearer ${bad}`), refusalOf(401, 'invalid-token'), bad);
});

test('a signature does not survive a change of the claims', async () => {
  const [head, , signature] = (await token()).split('.');
  const [, body] = (await token({ claims: { organisation: 'westshire-police' } })).split('.');
  await assert.rejects(
    verifier().verify(`Bearer ${head}.${body}.${signature}`),
    refusalOf(401, 'invalid-token'),
  );
});

test('a missing or malformed header is refused with a bare challenge and without asking the issuer', async () => {
  const before = issuer.asked.length;
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Basic dTpw',
    `Token ${await token()}`,
    'Bearer a b',
    'Bearer é',
  ]) {
    await assert.rejects(
      verifier().verify(header),
      refusalOf(401, 'invalid-token', /^Bearer realm="causeway"$/),
    );
  }
  assert.equal(issuer.asked.length, before);
});

test('the keys are found through discovery, once', async () => {
  const { verify: check } = verifier();
  const before = issuer.asked.length;
  await check(`Bearer ${await token()}`);
  await Promise.all([check(`Bearer ${await token()}`), check(`bearer ${await token()}`)]);
  assert.deepEqual(issuer.asked.slice(before), ['/.well-known/openid-configuration', '/jwks']);
});

test('while the issuer is down the answer is retryable, and good again when it is back', async () => {
  for (const options of [{}, { jwksUri: `${issuer.url}/jwks` }]) {
    const { verify: check } = createAccessVerifier({ issuer: issuer.url, audience: AUDIENCE, ...options });
    issuer.setDown(true);
    await assert.rejects(check(`Bearer ${await token()}`), {
      name: 'RetryableError',
      code: 'issuer-unavailable',
    });
    issuer.setDown(false);
    assert.equal((await check(`Bearer ${await token()}`)).subject, 's');
  }
});

test('a discovery document of another issuer is not believed', async () => {
  const { verify: check } = createAccessVerifier({ issuer: `${issuer.url}/realm`, audience: AUDIENCE });
  await assert.rejects(check(`Bearer ${await token()}`), { code: 'issuer-unavailable' });
});

function refusalOf(status: number, slug: string, challenge?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Problem, String(error));
    assert.deepEqual([error.status, error.slug], [status, slug]);
    if (challenge) assert.match(error.headers['www-authenticate'] ?? '', challenge);
    return true;
  };
}

test('a token that was checked a moment ago is refused from its end on', async (t) => {
  const verifier = createAccessVerifier({ issuer: issuer.url, audience: AUDIENCE });
  const short = `Bearer ${await token({ claims: { exp: Math.floor(Date.now() / 1_000) + 20 } })}`;
  assert.deepEqual(await verifier.verify(short), await verifier.verify(short));
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 26_000 });
  await assert.rejects(verifier.verify(short), (error) => error instanceof Problem && error.status === 401);
});
