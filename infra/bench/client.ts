import { Agent, request } from 'node:http';
import { clientSecretName } from '../dev/oidc-provider/oidc.ts';
import type { World } from './world.ts';

/** Somebody who calls the gateway over connections that stay open. */
export type Client = {
  get(path: string): Promise<string>;
  post(path: string, body?: object): Promise<string>;
  close(): void;
};

/** @throws Error for every answer that is not 2xx */
export const clientOf = async (world: World, organisation: string, connections = 1): Promise<Client> => {
  const base = world.system.endpoints.gateway?.url ?? '';
  const token = await tokenOf(world, organisation);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const call = (method: string, path: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string> = { authorization: `Bearer ${token}` };
      if (body !== undefined) {
        headers['content-type'] = 'application/cloudevents+json';
        headers['content-length'] = String(Buffer.byteLength(body));
      }
      const sending = request(`${base}${path}`, { method, agent, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          const { statusCode = 0 } = response;
          if (statusCode >= 200 && statusCode <= 299) resolve(text);
          else reject(new Error(`${method} was answered ${statusCode}: ${text.slice(0, 200)}`));
        });
      });
      sending.on('error', reject);
      sending.end(body);
    });
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body && JSON.stringify(body)),
    close: () => agent.destroy(),
  };
};

/** An access token of the organisation's own client. */
export const tokenOf = async ({ system }: World, organisation: string): Promise<string> => {
  const { connections, secrets } = system.parts;
  const secret = secrets.get(clientSecretName(organisation));
  const answer = await fetch(`${connections.OIDC_ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${organisation}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error('the OpenID provider gave no token');
  return token;
};
