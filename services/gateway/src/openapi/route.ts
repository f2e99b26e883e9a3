import type { RequestHandler } from 'express';
import { auditOf } from '../http/audit.ts';
import { openApi } from './openapi.ts';
import { documentationPage } from './page.ts';

/** GET /v1/openapi.json: holds no personal data, so it needs no token. */
export const getOpenApi = (issuer: string): RequestHandler => {
  const document = JSON.stringify(openApi(issuer));
  return (_request, response) => {
    auditOf(response).route = '/v1/openapi.json';
    response.type('application/json').send(document);
  };
};

/** GET /: the same as a web page. */
export const getDocumentation = (issuer: string): RequestHandler => {
  const page = documentationPage(openApi(issuer));
  return (_request, response) => {
    auditOf(response).route = '/';
    response.type('text/html').send(page);
  };
};
