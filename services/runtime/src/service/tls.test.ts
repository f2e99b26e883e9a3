import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { createMetrics } from '../telemetry/metrics.ts';
import { ConfigError, loadConfig } from './config.ts';
import { listen } from './http-server.ts';
import { serverTls, tlsSettings, watchCertificate } from './tls.ts';

let directory: string;
const at = (name: string) => join(directory, name);

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'causeway-tls-'));
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', at('key.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-days', '30', ...key, '-out', at('cert.pem'), ...names],
    {
      stdio: 'pipe',
    },
  );
});
after(() => rmSync(directory, { recursive: true, force: true }));

const files = () => ({ TLS_CERTIFICATE_FILE: at('cert.pem'), TLS_KEY_FILE: at('key.pem') });

const variablesOf = (work: () => unknown): string[] => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ variable }) => variable);
  }
  return [];
};

test('a service answers over TLS 1.2 and later, and nobody older gets in', async () => {
  const server = await listen((_request, response) => void response.end('hello'), {
    host: '127.0.0.1',
    port: 0,
    tls: serverTls(files()),
  });
  try {
    assert.match(server.url, /^https:/);
    const body = await new Promise<string>((resolve, reject) => {
      const asking = request(server.url, { ca: readFileSync(at('cert.pem')) }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      });
      asking.on('error', reject).end();
    });
    assert.equal(body, 'hello');
    const refused = await new Promise<boolean>((resolve) => {
      const old = connect({
        port: server.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
      });
      old.once('secureConnect', () => resolve(false)).once('error', () => resolve(true));
    });
    assert.ok(refused);
  } finally {
    await server.close();
  }
});

test('production starts neither without a certificate nor with half of one, unless somebody in front speaks TLS', () => {
  const production = { NODE_ENV: 'production' };
  const start = (env: Record<string, string>) => variablesOf(() => loadConfig(tlsSettings, env));
  assert.deepEqual(start(production), ['TLS_CERTIFICATE_FILE']);
  assert.deepEqual(start({ ...production, TLS_IN_FRONT: 'yes' }), []);
  assert.deepEqual(start({}), []);
  assert.equal(serverTls({}), undefined);
  assert.deepEqual(
    variablesOf(() => serverTls({ ...files(), TLS_KEY_FILE: undefined })),
    ['TLS_KEY_FILE'],
  );
  assert.deepEqual(
    variablesOf(() => serverTls({ ...files(), TLS_KEY_FILE: at('nowhere') })),
    ['TLS_KEY_FILE'],
  );
});

test('a renewed certificate is noticed, and the metric says until when the one in use is valid', async () => {
  const tls = serverTls(files());
  const before = tls?.changedAt();
  writeFileSync(at('cert.pem'), readFileSync(at('cert.pem')));
  utimesSync(at('cert.pem'), new Date(), new Date(Date.now() + 60_000));
  assert.notEqual(tls?.changedAt(), before);
  const metrics = createMetrics('test');
  watchCertificate(metrics, 'server', readFileSync(at('cert.pem')));
  const [, seconds] = /certificate_expires_timestamp_seconds\{.*\} (\S+)/.exec(await metrics.text()) ?? [];
  const days = (Number(seconds) - Date.now() / 1_000) / 86_400;
  assert.ok(days > 29 && days < 30.1, `${days}`);
});
