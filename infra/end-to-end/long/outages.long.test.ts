import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../../services/console/src/testing/browser.ts';
import { type Causeway, startCauseway } from '../support/causeway.ts';
import {
  SHOWN_WITHIN_MS,
  signal,
  signIn,
  untilCalm,
  untilForgotten,
  untilSaid,
  WORDS,
} from '../support/outages.ts';

/** Every part hangs, dies and is stopped for good, and the console says so and goes on. */
const PAGES = [
  '/now',
  '/flow',
  '/throughput',
  '/lag',
  '/failures',
  '/agreements',
  '/disclosures',
  '/value',
  '/register',
];
/** Nobody waits longer for a page, whatever is away. */
const ANSWER_MS = 8_000;
const PARTS = Object.keys(WORDS);

let causeway: Causeway;
let browser: Browser;
let page: Page;
let consolePid: number | undefined;

before(async () => {
  [causeway, browser] = await Promise.all([startCauseway(), openBrowser()]);
  page = await signIn(browser, causeway);
  consolePid = causeway.system.processes().console;
});
after(async () => {
  await browser?.close();
  await causeway?.stop();
});

const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (value: number) => `${value.toFixed(1)} s`;

/** Every page has an answer that a person can read: it, or that something is away. The slowest, in seconds. */
const askEveryPage = async (): Promise<number> => {
  let slowest = 0;
  for (const path of PAGES) {
    const begun = performance.now();
    const answer = await page.request.get(causeway.console + path, { timeout: ANSWER_MS });
    slowest = Math.max(slowest, performance.now() - begun);
    assert.ok([200, 503].includes(answer.status()), `${path} is answered ${answer.status()}`);
    assert.match(await answer.text(), /<h1/);
  }
  return slowest / 1_000;
};

const everythingWorks = async (): Promise<void> => {
  for (const path of PAGES) {
    for (const deadline = Date.now() + 60_000; ; ) {
      const answer = await page.request.get(causeway.console + path);
      if (answer.status() === 200) break;
      if (Date.now() > deadline) throw new Error(`${path} is still answered ${answer.status()}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  assert.equal(causeway.system.processes().console, consolePid, 'the console itself was started again');
};

describe('a part that hangs is said within 15 s, all pages answer meanwhile, and it is forgotten when it is back', () => {
  for (const part of PARTS)
    test(part, async () => {
      await untilCalm(page);
      const pid = causeway.system.processes()[part];
      signal(pid, 'SIGSTOP');
      let said: number;
      let slowest: number;
      try {
        said = await untilSaid(page, part);
        slowest = await askEveryPage();
      } finally {
        signal(pid, 'SIGCONT');
      }
      const back = await untilForgotten(page, part);
      await everythingWorks();
      say(
        `${part} hung: said after ${seconds(said)}, slowest page ${seconds(slowest)}, back after ${seconds(back)}`,
      );
    });
});

describe('a part that is killed is back or said within 15 s, all pages answer meanwhile, and then nothing is said of anything', () => {
  for (const part of PARTS)
    test(part, async () => {
      await untilCalm(page);
      const killed = causeway.system.processes()[part];
      const begun = performance.now();
      const saying = untilSaid(page, part, SHOWN_WITHIN_MS).catch(() => undefined);
      causeway.kill(part);
      const slowest = await askEveryPage();
      const said = await saying;
      const back = causeway.system.processes()[part];
      assert.ok(
        said !== undefined || (back !== undefined && back !== killed),
        'it is away, and nobody is told',
      );
      await untilForgotten(page, part);
      await everythingWorks();
      const all = (performance.now() - begun) / 1_000;
      assert.notEqual(causeway.system.processes()[part], killed);
      const noticed = said === undefined ? 'back before it was noticed' : `said after ${seconds(said)}`;
      say(`${part} killed: ${noticed}, slowest page ${seconds(slowest)}, all works after ${seconds(all)}`);
    });
});

describe('a part that is stopped for good is said within 15 s, until nothing but the console is left', () => {
  const left = [...PARTS];
  for (const part of PARTS)
    test(part, async () => {
      // Nothing is said of this part, nor of those that come after it: what is said from now on stems from this stop.
      await untilCalm(page, left);
      left.shift();
      const stopping = causeway.system.parts.supervisor.parts().find(({ name }) => name === part);
      assert.ok(stopping);
      const stopped = stopping.stop(1_000);
      const said = await untilSaid(page, part, SHOWN_WITHIN_MS);
      await stopped;
      const slowest = await askEveryPage();
      assert.equal(causeway.system.processes()[part], undefined);
      assert.equal(causeway.system.processes().console, consolePid);
      assert.ok((await untilSaid(page, part)) < 1, 'it is still said');
      say(`${part} stopped: said after ${seconds(said)}, slowest page ${seconds(slowest)}`);
    });
});
