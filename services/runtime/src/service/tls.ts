import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Metrics } from '../telemetry/metrics.ts';
import { ConfigError, flag, inProduction, text } from './config.ts';

/** Of a service that partners or people reach over HTTP. Both are paths of PEM files; the certificate with its chain. */
export const tlsSettings = {
  TLS_CERTIFICATE_FILE: inProduction(text().optional(), (path, given) =>
    path !== undefined || isTrue(given('TLS_IN_FRONT'))
      ? undefined
      : 'is not set; name the certificate (and TLS_KEY_FILE the key), or set TLS_IN_FRONT=true where an ingress speaks TLS',
  ),
  TLS_KEY_FILE: text().optional(),
  /** Something in front of the service, such as an ingress, speaks TLS for it. */
  TLS_IN_FRONT: flag(false),
};

const isTrue = (text: string | undefined): boolean => flag(false).safeParse(text).data === true;

type TlsConfig = {
  TLS_CERTIFICATE_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
};

/** What a TLS server serves with. `read` gives the files as they are now, so that a renewed certificate needs no restart. */
export type ServerTls = { read(): { cert: Buffer; key: Buffer }; changedAt(): number };

/**
 * The server side of TLS by the settings, or undefined where the service speaks plain HTTP.
 * @throws ConfigError where only one of the files is named, and where one cannot be read
 */
export function serverTls(config: TlsConfig): ServerTls | undefined {
  const { TLS_CERTIFICATE_FILE: certificate, TLS_KEY_FILE: key } = config;
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    const variable = certificate === undefined ? 'TLS_CERTIFICATE_FILE' : 'TLS_KEY_FILE';
    throw new ConfigError([{ variable, message: 'is not set; certificate and key go together' }]);
  }
  const read = () => ({
    cert: readPem('TLS_CERTIFICATE_FILE', certificate),
    key: readPem('TLS_KEY_FILE', key),
  });
  read();
  return { read, changedAt: () => Math.max(statSync(certificate).mtimeMs, statSync(key).mtimeMs) };
}

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new ConfigError([
      { variable, message: 'cannot be read: it must name a PEM file that this process may read' },
    ]);
  }
}

/** Shows until when the first certificate of a PEM text is valid. `certificate` says which one it is, such as `server`. */
export function watchCertificate(metrics: Metrics, certificate: string, pem: string | Buffer): void {
  const seconds = new X509Certificate(pem).validToDate.getTime() / 1_000;
  metrics.certificateExpires.set({ certificate }, seconds);
}
