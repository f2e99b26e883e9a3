/** One HTTP request of the mailbox's client, over TLS with a certificate of ours where there is one. */
import { Agent, type IncomingMessage, request as plain } from 'node:http';
import { request as encrypted, Agent as TlsAgent } from 'node:https';
import { RetryableError } from '@causeway/runtime/errors';

type HttpOptions = {
  /** Without a slash at its end. */
  url: string;
  connections: number;
  /** How long the other side may be silent. */
  silenceMs: number;
  /** PEM texts: our certificate with its key, and who signs theirs. */
  certificate?: string | undefined;
  privateKey?: string | undefined;
  authority?: string | undefined;
};

export type Http = {
  /** Resolves with the head of the answer; whoever asked reads or destroys its body. @throws RetryableError `mesh-unavailable` */
  send(
    method: string,
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
  close(): void;
};

export const unavailable = (error: unknown): RetryableError =>
  new RetryableError('mesh-unavailable', 'MESH does not answer', { cause: error });

export const createHttp = ({ url, connections, silenceMs, ...tls }: HttpOptions): Http => {
  const secure = url.startsWith('https:');
  const common = { keepAlive: true, maxSockets: connections, timeout: silenceMs };
  const agent = secure
    ? new TlsAgent({
        ...common,
        minVersion: 'TLSv1.2',
        ...(tls.certificate !== undefined && { cert: tls.certificate }),
        ...(tls.privateKey !== undefined && { key: tls.privateKey }),
        ...(tls.authority !== undefined && { ca: tls.authority }),
      })
    : new Agent(common);
  return {
    send: (method, path, headers, signal) =>
      new Promise((resolve, reject) => {
        const options = { method, headers, agent, signal, timeout: silenceMs };
        const request = secure ? encrypted(url + path, options) : plain(url + path, options);
        request.once('response', resolve);
        request.once('timeout', () => request.destroy(new Error('no answer in time')));
        request.once('error', (error) => reject(unavailable(error)));
        request.end();
      }),
    close: () => agent.destroy(),
  };
};
