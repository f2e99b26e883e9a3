import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type Service, startService } from '@causeway/runtime/service/service';
import { createSharedTopics, createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';
import type { Browser } from 'playwright-core';
import { DESKTOP, openBrowser } from '../testing/browser.ts';
import { consoleSettings, startConsole } from './console.ts';

let bus: TestBus;
let service: Service;
let browser: Browser;
let url = '';
const checkpoints = mkdtempSync(join(tmpdir(), 'causeway-checkpoints-'));

before(async () => {
  await createSharedTopics();
  bus = await createTestBus(1);
  url = `http://127.0.0.1:${await freePort()}`;
  service = await startService('console', consoleSettings, startConsole, {
    ...bus.env,
    DATABASE_URL: testVariable('DATABASE_URL'),
    CONSOLE_ORGANISATIONS: bus.organisations.join(','),
    CONSOLE_DATABASE_SCHEMA: `console_${bus.organisations[0]?.slice(4)}`,
    OIDC_ISSUER: testVariable('OIDC_ISSUER'),
    CONSOLE_CLIENT_SECRET: testVariable('OIDC_CLIENT_SECRET'),
    SESSION_KEY: 'a session key for tests only',
    CHECKPOINT_KEY: Buffer.alloc(32, 1).toString('base64url'),
    CHECKPOINT_DIR: checkpoints,
    PARTNERSHIP_KEY: 'a partnership key for tests only',
    CONSOLE_PORT: new URL(url).port,
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await service?.stop();
  await bus?.close();
  rmSync(checkpoints, { recursive: true, force: true });
});

test('an operator logs in with the provider and sees an event arrive', async () => {
  const [organisation = ''] = bus.organisations;
  const page = await browser.newPage({ viewport: DESKTOP, locale: 'en-GB' });
  await page.goto(`${url}/throughput?organisation=${organisation}`);
  await page.getByLabel('User name').fill('operator');
  await page.getByLabel('Password').fill('causeway');
  await page.getByRole('button', { name: 'Log in' }).click();

  await page.getByRole('heading', { name: `Last 15 minutes: ${organisation}` }).waitFor();
  await page.locator(`[data-live="${organisation}.waiting"]`).getByText('0', { exact: true }).waitFor();
  await page.locator(`[data-live="${organisation}.tag"]`).getByText('No events yet').waitFor();
  await bus.producer.send([
    { topic: topicsOf(organisation).outbox, key: 'somebody', value: Buffer.from('an event') },
  ]);
  await page.locator(`[data-live="${organisation}.waiting"]`).getByText('1', { exact: true }).waitFor();
  await page.locator(`[data-live="${organisation}.tag"]`).getByText('Up to date').waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
});

test('it is ready, and refuses to start in production without its public address', async () => {
  assert.equal((await fetch(`${service.adminUrl}/ready`)).status, 200);
  const production = {
    ...bus.env,
    NODE_ENV: 'production',
    KAFKA_USERNAME: 'console',
    KAFKA_TLS: 'true',
    DATABASE_URL: testVariable('DATABASE_URL'),
    OIDC_ISSUER: 'https://issuer.example',
    CONSOLE_CLIENT_SECRET: random(),
    SESSION_KEY: random(),
    CHECKPOINT_KEY: random(),
    CHECKPOINT_DIR: checkpoints,
    PARTNERSHIP_KEY: 'a partnership key for tests only',
    CONSOLE_PORT: '0',
  };
  await assert.rejects(
    startService('console', consoleSettings, startConsole, production),
    /CONSOLE_URL is not set/,
  );
});

const random = () => randomBytes(32).toString('base64url');

/** A port that was free a moment ago: the provider has to be told the address before the console listens. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
