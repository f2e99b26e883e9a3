import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * As much of a schema registry as a codec asks for, in memory: thousands of random schemas in a few seconds, and none of them left
 * behind. The tests that use the bus use the real one.
 */
export const startMemoryRegistry = async (): Promise<{ url: string; close(): Promise<void> }> => {
  const schemas: string[] = [];
  const ids = new Map<string, number>();
  const idOf = (schema: string): number => {
    const id = ids.get(schema) ?? schemas.push(schema);
    ids.set(schema, id);
    return id;
  };
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json');
    const asked = /\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1];
    if (asked !== undefined) return void response.end(JSON.stringify({ schema: schemas[Number(asked) - 1] }));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    response.end(JSON.stringify(typeof body.schema === 'string' ? { id: idOf(body.schema) } : body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
