import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createWebhookClient } from './webhook-client.ts';

const TIME_OUT_MS = 300;

const ask = async (answer: (response: ServerResponse) => void) => {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const webhookClient = createWebhookClient({ timeoutMs: TIME_OUT_MS });
  const target = { url: new URL(`http://hooks.example.org:${port}/a?b=c`), address: '127.0.0.1' };
  const said = await webhookClient.post(target, {}, Buffer.from('{}'), new AbortController().signal);
  webhookClient.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return said;
};

test('an endpoint that never answers, or trickles its answer, is given up after the time-out', async () => {
  const trickling = new Set<NodeJS.Timeout>();
  const answers = [
    await ask(() => {}),
    await ask((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      trickling.add(setInterval(() => response.write('a'), 20));
    }),
  ];
  for (const timer of trickling) clearInterval(timer);
  for (const answer of answers) {
    assert.equal('code' in answer && answer.code, 'time-out');
    assert.ok(
      answer.durationMs >= TIME_OUT_MS - 10 && answer.durationMs < 5 * TIME_OUT_MS,
      String(answer.durationMs),
    );
  }
});

test('an endpoint that closes in the middle of its answer has not answered', async () => {
  const answer = await ask((response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  });
  assert.ok('code' in answer && answer.code !== 'time-out');
});

test('of an endless answer no more than a few kB are read', async () => {
  const answer = await ask((response) => {
    response.writeHead(200);
    const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536, 'a'), more));
    more();
  });
  assert.equal('status' in answer && answer.status, 200);
  assert.equal('text' in answer && answer.text.length, 4_096);
});

test('the name goes into the Host line and the connection to the address', async () => {
  let host: string | undefined;
  const answer = await ask((response) => {
    host = response.req.headers.host;
    response.end(response.req.url);
  });
  assert.match(String(host), /^hooks\.example\.org:\d+$/);
  assert.equal('text' in answer && answer.text.toString(), '/a?b=c');
});

test('nobody there is a word and not an exception', async () => {
  const webhookClient = createWebhookClient({ timeoutMs: TIME_OUT_MS });
  const target = { url: new URL('http://127.0.0.1:1/'), address: '127.0.0.1' };
  const answer = await webhookClient.post(target, {}, Buffer.from('{}'), new AbortController().signal);
  webhookClient.close();
  assert.equal('code' in answer && answer.code, 'econnrefused');
});

const always = new AbortController().signal;

test('a connection to an address that the name has left is not used again', async () => {
  const said: RequestListener = ({ socket }, response) => response.end(socket.localAddress);
  const [first, second] = [createServer(said), createServer(said)];
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  const { port } = first.address() as AddressInfo;
  await new Promise<void>((resolve) => second.listen(port, '127.0.0.2', resolve));
  const webhookClient = createWebhookClient({ timeoutMs: 5_000 });
  const url = new URL(`http://hooks.example.org:${port}/`);
  const texts: unknown[] = [];
  for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1']) {
    const answer = await webhookClient.post({ url, address }, {}, Buffer.from('{}'), always);
    texts.push('text' in answer && answer.text.toString());
  }
  assert.deepEqual(texts, ['127.0.0.1', '127.0.0.2', '127.0.0.1']);
  webhookClient.close();
  for (const server of [first, second]) server.close();
});

test('over https the certificate must be that of the name, whatever the address', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-post-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const names = ['-subj', '/CN=hooks', '-addext', 'subjectAltName=DNS:hooks.example.org'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...kind, '-out', cert, ...names], { stdio: 'pipe' });
  const ca = readFileSync(cert, 'utf8');
  const server = createTlsServer({ key: readFileSync(key), cert: ca }, ({ socket }, response) => {
    response.end(String((socket as TLSSocket & { servername?: string }).servername));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const asked = async (name: string, authorities: { ca?: string }) => {
    const webhookClient = createWebhookClient({ timeoutMs: 5_000, ...authorities });
    const target = { url: new URL(`https://${name}:${port}/`), address: '127.0.0.1' };
    const answer = await webhookClient.post(target, {}, Buffer.from('{}'), always);
    webhookClient.close();
    return 'code' in answer ? answer.code : answer.text.toString();
  };
  assert.equal(await asked('hooks.example.org', { ca }), 'hooks.example.org');
  assert.equal(await asked('other.example.org', { ca }), 'err-tls-cert-altname-invalid');
  assert.equal(await asked('127.0.0.1', { ca }), 'err-tls-cert-altname-invalid');
  assert.equal(await asked('hooks.example.org', {}), 'depth-zero-self-signed-cert');
  server.close();
  rmSync(directory, { recursive: true });
});

test('what is stopped before it is sent, or while its answer is waited for, ends at once', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const webhookClient = createWebhookClient({ timeoutMs: 5_000 });
  const target = { url: new URL(`http://127.0.0.1:${port}/`), address: '127.0.0.1' };
  const waiting = new AbortController();
  server.once('request', () => waiting.abort());
  const answers = [
    await webhookClient.post(target, {}, Buffer.from('{}'), waiting.signal),
    await webhookClient.post(target, {}, Buffer.from('{}'), AbortSignal.abort()),
  ];
  for (const answer of answers) assert.equal('code' in answer && answer.code, 'stopped');
  webhookClient.close();
  server.closeAllConnections();
  server.close();
});
