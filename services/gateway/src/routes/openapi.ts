import type { RequestHandler } from 'express';
import { auditOf } from '../audit.ts';
import { openApi } from '../documents/openapi.ts';

/** GET /v1/openapi.json: says nothing about anybody, so it needs no token. */
export const getOpenApi = (issuer: string): RequestHandler => {
  const document = JSON.stringify(openApi(issuer));
  return (_request, response) => {
    auditOf(response).route = '/v1/openapi.json';
    response.type('application/json').send(document);
  };
};
