import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Causeway } from './causeway.ts';

/** What the console says on *Now* when a part does not answer, by the name that the supervisor gives it. */
export const WORDS: Record<string, string> = {
  exchange: 'The exchange',
  gateway: 'The gateway',
  'nhs-trust': 'The adapter nhs-trust of Westshire Hospitals NHS Trust',
  registry: 'The schema registry',
  postgres: 'PostgreSQL',
  kafka: 'Kafka',
};
export const SHOWN_WITHIN_MS = 15_000;

export const signIn = async (browser: Browser, causeway: Causeway, user = 'governance'): Promise<Page> => {
  const page = await (await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/London' })).newPage();
  await page.goto(`${causeway.console}/now`);
  await page.locator('#password').fill('causeway');
  await page.locator('#user').fill(user);
  await page.locator('button[type="submit"]').click();
  await page.waitForURL(`${causeway.console}/now`);
  return page;
};

/** Seconds until the open page says so by itself. */
export const untilSaid = async (page: Page, part: string, within = SHOWN_WITHIN_MS): Promise<number> => {
  const begun = performance.now();
  await page
    .getByRole('heading', { name: `${WORDS[part]} does not answer`, exact: true })
    .waitFor({ timeout: within });
  return (performance.now() - begun) / 1_000;
};

export const untilForgotten = async (page: Page, part: string, within = 90_000): Promise<number> => {
  const begun = performance.now();
  await page
    .getByRole('heading', { name: new RegExp(`^${WORDS[part]} `) })
    .waitFor({ state: 'detached', timeout: within });
  return (performance.now() - begun) / 1_000;
};

/** A process with all that it has started: PostgreSQL answers on by those. */
const familyOf = (pid: number): number[] => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...(children ? children.split(' ').flatMap((child) => familyOf(Number(child))) : [])];
  } catch {
    return [pid];
  }
};

/** A process that hangs may have been killed and replaced by the supervisor meanwhile. */
export const signal = (pid: number | undefined, name: NodeJS.Signals): void => {
  for (const one of pid === undefined ? [] : familyOf(pid)) {
    try {
      process.kill(one, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
};
