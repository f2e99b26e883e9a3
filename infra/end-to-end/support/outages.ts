import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Causeway } from './causeway.ts';

/** What the console says on *Overview* when a part does not answer, by the name that the supervisor gives it. */
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

/** Several looks of the console at every part: what it is about to notice of before, it notices within that. */
const CALM_MS = 8_000;

/** Waits until the open page, kept up to date, has said nothing of these parts for a while: what it says next is news. */
export const untilCalm = async (
  page: Page,
  parts: readonly string[] = Object.keys(WORDS),
  within = 120_000,
): Promise<void> => {
  const words = parts.map((part) => WORDS[part]).join('|');
  const said = page.getByRole('heading', { name: new RegExp(`^(${words}) `) });
  const live = page.locator('#live-state[data-state="live"]');
  const deadline = performance.now() + within;
  for (let calmSince = performance.now(); performance.now() - calmSince < CALM_MS; ) {
    const [headings, isLive] = await Promise.all([said.allTextContents(), live.count()]);
    if (headings.length > 0 || isLive === 0) calmSince = performance.now();
    if (performance.now() > deadline)
      throw new Error(`the page is not calm: ${isLive === 0 ? 'it is not live' : headings.join('; ')}`);
    await page.waitForTimeout(100);
  }
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
