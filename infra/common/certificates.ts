import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CannotStart } from './settings.ts';

const run = promisify(execFile);
const DAYS = 365;

/**
 * Development certificates: an authority of one's own and one certificate for each host name, valid for a year. A host
 * `<name>` gets `<name>.pem`, `<name>.key` and, for brokers, both in `<name>.keystore.pem`. Production takes its own.
 * @throws CannotStart where there is no openssl
 */
export async function makeCertificates(directory: string, hosts: readonly string[]): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(directory, name);
  if (!existsSync(at('ca.pem'))) {
    const subject = ['-subj', '/CN=Causeway development authority'];
    const extensions = [
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign',
    ];
    await openssl([
      ...['req', '-x509', '-new', '-nodes', '-days', String(DAYS), ...key(at('ca.key'))],
      ...['-out', at('ca.pem'), ...subject, ...extensions],
    ]);
  }
  for (const host of hosts) if (!existsSync(at(`${host}.pem`))) await certify(host, at);
}

async function certify(host: string, at: (name: string) => string): Promise<void> {
  const request = at(`${host}.csr`);
  const extensions = at(`${host}.ext`);
  const names = `subjectAltName=DNS:${host},DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n`;
  writeFileSync(extensions, names);
  await openssl([
    'req',
    '-new',
    '-nodes',
    ...key(at(`${host}.key`)),
    '-out',
    request,
    '-subj',
    `/CN=${host}`,
  ]);
  await openssl([
    ...['x509', '-req', '-in', request, '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
    ...['-days', String(DAYS), '-extfile', extensions, '-out', at(`${host}.pem`)],
  ]);
  const parts = [`${host}.key`, `${host}.pem`, 'ca.pem'].map((name) => readFileSync(at(name), 'utf8'));
  writeFileSync(at(`${host}.keystore.pem`), parts.join(''), { mode: 0o644 });
  // Read in a container under another user; the folder above is closed.
  chmodSync(at(`${host}.key`), 0o644);
  for (const path of [request, extensions]) rmSync(path, { force: true });
}

const key = (path: string): string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ...['-keyout', path],
];

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', [...args]);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw missing
      ? new CannotStart('openssl is needed to make development certificates; install it.')
      : error;
  }
}
