/** A housing system that opens a case now and then, all of it invented. */
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, port, serviceSettings, text } from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';

const config = loadConfig({
  ...serviceSettings,
  HOUSING_CASES_HOST: text('127.0.0.1'),
  HOUSING_CASES_PORT: port(8085),
});
const log = createLogger('housing-simulator', config.LOG_LEVEL);
const PAUSE_MS = 10_000;

for (let number = 1; ; number += 1) {
  const opened = {
    reference: `ASB-SIM-${Date.now()}-${number}`,
    openedAt: new Date().toISOString(),
    kind: number % 2 === 0 ? 'noise' : 'harassment',
    risk: 'medium',
    tenant: { number: `T-${number % 20}`, familyName: 'Invented', givenName: 'Terry', born: '1980-02-03' },
  };
  const url = `http://${config.HOUSING_CASES_HOST}:${config.HOUSING_CASES_PORT}/cases`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(opened) }).catch(() => undefined);
  log.debug({ status: response?.status }, 'a case was sent');
  await delay(PAUSE_MS);
}
