import type { Express } from 'express';
import { bodyless, route, routed } from '../http/route.ts';
import { openApi } from './openapi.ts';
import { documentationPage } from './page.ts';

/** The OpenAPI document, and the same as a web page at /. They hold no personal data and need no token. */
export const openApiRoutes = (app: Express, issuer: string): void => {
  const document = openApi(issuer);
  const [json, page] = [JSON.stringify(document), documentationPage(document)];
  route(app, '/', { get: [bodyless, routed, (_, response) => void response.type('text/html').send(page)] });
  route(app, '/v1/openapi.json', {
    get: [bodyless, routed, (_, response) => void response.type('application/json').send(json)],
  });
};
