import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { openSecrets } from '../../common/secrets.ts';
import { clientSecretName } from './oidc.ts';
import { createProvider } from './provider.ts';

const CLIENT = 'key/westshire-council';

let server: Server;
let folder: string;
let issuer: string;
let own: CryptoKey;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'causeway-oidc-'));
  const pair = await generateKeyPair('ES256');
  own = pair.privateKey;
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }];
  const secrets = openSecrets(folder);
  writeFileSync(join(secrets.directory, clientSecretName(CLIENT)), JSON.stringify({ keys }));
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = await createProvider(issuer, secrets);
  server.on('request', provider.callback());
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (key: CryptoKey) => {
  const now = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({ jti: String(Math.random()) })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(CLIENT)
    .setSubject(CLIENT)
    .setAudience(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(key);
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CLIENT,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  });
  return { status: answer.status, body: (await answer.json()) as { access_token?: string; error?: string } };
};

test('a client with a key pair gets a token of its organisation without a secret', async () => {
  const { status, body } = await ask(own);
  assert.equal(status, 200, JSON.stringify(body));
  const { organisation, aud } = decodeJwt(body.access_token ?? '');
  assert.deepEqual([organisation, aud], ['westshire-council', 'causeway-gateway']);
});

test('an assertion that another key signed is refused', async () => {
  const { privateKey } = await generateKeyPair('ES256');
  assert.deepEqual((await ask(privateKey)).body.error, 'invalid_client');
});
