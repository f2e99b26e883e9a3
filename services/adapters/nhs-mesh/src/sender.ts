/** Sends messages through MESH, as the national services do. For simulator and tests. */
import { gzipSync } from 'node:zlib';
import { createAuthorisation } from './authorisation.ts';
import { SANDBOX } from './sandbox-login.ts';

export type Sending = {
  body: Buffer;
  workflow: string;
  contentType?: string;
  /** Of each part, which is compressed by itself. */
  chunkBytes?: number;
  compress?: boolean;
  headers?: Record<string, string>;
};

export type Sender = {
  /** Resolves with the message id. @throws Error when MESH does not take it */
  send(sending: Sending): Promise<string>;
  /** How many messages wait in the mailbox. */
  waiting(): Promise<number>;
  /** Puts a report into the mailbox, as MESH does about a message that could not be delivered. */
  report(): Promise<void>;
  /** Forgets what was taken out of the mailbox, and everything else in it. */
  forget(): Promise<void>;
};

export const createSender = (url: string, { mailbox, sender, password, sharedKey } = SANDBOX): Sender => {
  const asSender = createAuthorisation({ mailbox: sender, password, sharedKey });
  const asReceiver = createAuthorisation({ mailbox, password, sharedKey });
  const accept = 'application/vnd.mesh.v2+json';

  const post = async (path: string, headers: Record<string, string>, body: Buffer) => {
    const response = await fetch(`${url}/messageexchange/${sender}/outbox${path}`, {
      method: 'POST',
      headers: { authorization: asSender(), accept, ...headers },
      body,
    });
    const answer = await response.text();
    if (response.status !== 202) throw new Error(`MESH answers ${response.status} to a message`);
    return answer;
  };

  const admin = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${url}/messageexchange${path}`, {
      method,
      headers: { authorization: asReceiver(), accept, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`MESH answers ${response.status} to ${method} ${path}`);
    return response.json();
  };

  return {
    async send({ body, workflow, contentType = 'application/xml', chunkBytes, compress, headers = {} }) {
      const size = chunkBytes ?? Math.max(body.length, 1);
      const count = Math.max(1, Math.ceil(body.length / size));
      const part = (index: number) => {
        const bytes = body.subarray(index * size, (index + 1) * size);
        return compress ? gzipSync(bytes) : bytes;
      };
      const encoding: Record<string, string> = compress ? { 'content-encoding': 'gzip' } : {};
      const range = (index: number) => ({ 'mex-chunk-range': `${index + 1}:${count}` });
      const about = { 'mex-to': mailbox, 'mex-workflowid': workflow, 'content-type': contentType };
      const first = await post('', { ...about, ...encoding, ...range(0), ...headers }, part(0));
      const { message_id: id } = JSON.parse(first) as { message_id: string };
      for (let index = 1; index < count; index += 1)
        await post(`/${id}/${index + 1}`, { ...encoding, ...range(index) }, part(index));
      return id;
    },
    async waiting() {
      const { count } = (await admin('GET', `/${mailbox}/count`)) as { count: number };
      return count;
    },
    async report() {
      await admin('POST', '/admin/report', {
        mailbox_id: mailbox,
        code: '14',
        description: 'Message not collected by recipient after 5 days',
        workflow_id: 'DEATHNOTIFICATION_1',
        subject: 'NDR',
        local_id: '',
        file_name: '',
        linked_message_id: '1',
        status: 'undeliverable',
      });
    },
    async forget() {
      await admin('DELETE', `/admin/reset/${mailbox}`);
    },
  };
};
