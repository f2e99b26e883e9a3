import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApi } from './openapi.ts';

test('the OpenAPI document is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(openApi('https://identity.example')));
  assert.deepEqual(result.errors, undefined);
  assert.equal(result.valid, true);
  assert.equal(validator.version, '3.1');
});

test('the OpenAPI document says where tokens come from', () => {
  const { accessToken } = openApi('https://identity.example/').components.securitySchemes;
  assert.equal(accessToken.openIdConnectUrl, 'https://identity.example/.well-known/openid-configuration');
});

test('every reference in the OpenAPI document leads somewhere', () => {
  const document = openApi('https://identity.example');
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
  for (const [, name = ''] of references) assert.ok(name in document.components.schemas, name);
});
