/** A housing system that takes notices, each id once, and shows them at `GET /notices`. */
import { createServer } from 'node:http';
import { loadConfig, port, serviceSettings, text } from '@causeway/runtime/service/config';

const config = loadConfig({
  ...serviceSettings,
  HOUSING_SYSTEM_HOST: text('127.0.0.1'),
  HOUSING_SYSTEM_PORT: port(8086),
});
const notices = new Map<string, unknown>();

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.method === 'GET') return response.end(JSON.stringify([...notices.values()]));
  notices.set(String(request.headers['idempotency-key']), JSON.parse(Buffer.concat(chunks).toString('utf8')));
  response.writeHead(201).end();
}).listen(config.HOUSING_SYSTEM_PORT, config.HOUSING_SYSTEM_HOST);
