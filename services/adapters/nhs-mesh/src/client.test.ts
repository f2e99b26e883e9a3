import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createAuthorisation } from './authorisation.ts';
import { createGatherer } from './body.ts';
import { createMeshClient } from './client.ts';
import { createHttp } from './http.ts';

const LOGIN = { mailbox: 'TESTMB1', password: 's3cret', sharedKey: 'BackBone' };

describe('the authorisation header', () => {
  it('is as the sandbox of NHS England computes it, with another count each time', () => {
    const nonce = '2c001608-5f09-4840-9611-bea43e666a30';
    const next = createAuthorisation(LOGIN, () => new Date('2026-11-24T09:05:59Z'), nonce);
    const start = `NHSMESH TESTMB1:${nonce}`;
    assert.equal(
      next(),
      `${start}:0:202611240905:5658ee0dac7ddb5d766b699f77c898515ffb7cff9822bc70d913cfda41fd8319`,
    );
    assert.equal(
      next(),
      `${start}:1:202611240905:17d59ed970e026b7c240556c96aff8426062d4636b1f77e00464fcf4f087aeed`,
    );
  });
});

describe('the body of a message', () => {
  it('is kept whole up to its bound, beyond that hashed, and not read for ever', () => {
    const chunk = Buffer.alloc(400_000, 'x');
    const small = createGatherer(800_000);
    assert.ok(small.push(chunk) && small.push(chunk));
    assert.deepEqual(small.body(), { kind: 'whole', bytes: Buffer.concat([chunk, chunk]) });
    const large = createGatherer(800_000);
    let read = 0;
    while (large.push(chunk)) read += 1;
    assert.equal(read, 159);
    const body = large.body();
    assert.ok(body.kind === 'oversize');
    assert.deepEqual([body.head.length, body.length], [400_000, 64_000_000]);
  });
});

describe('MESH over TLS', () => {
  let folder: string;
  const file = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(file(name), 'utf8');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'causeway-mesh-'));
    for (const name of ['server', 'client', 'stranger']) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', file(`${name}.key`)];
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
      const made = ['req', '-x509', '-nodes', '-days', '2', ...key, '-out', file(`${name}.pem`), ...names];
      execFileSync('openssl', made, { stdio: 'pipe' });
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is spoken with the certificate of the mailbox, and only with a MESH that can be trusted', async () => {
    const seen: string[] = [];
    const options = { key: read('server.key'), cert: read('server.pem'), ca: read('client.pem') };
    const server = createServer(
      { ...options, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.push((request.socket as TLSSocket).getPeerCertificate().subject.CN as string);
        response.end();
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const clientWith = (certificate: string, authority: string) =>
      createMeshClient({
        ...LOGIN,
        http: createHttp({
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          connections: 1,
          silenceMs: 5_000,
          certificate: read(`${certificate}.pem`),
          privateKey: read(`${certificate}.key`),
          authority: read(`${authority}.pem`),
        }),
        maxMessageBytes: 1_000,
        signal: new AbortController().signal,
        calls: { inc: () => undefined },
        adapter: 'test',
      });
    try {
      const known = clientWith('client', 'server');
      await known.handshake();
      known.close();
      await assert.rejects(clientWith('stranger', 'server').handshake(), { code: 'mesh-unavailable' });
      await assert.rejects(clientWith('client', 'stranger').handshake(), { code: 'mesh-unavailable' });
      assert.deepEqual(seen, ['client']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
