/** NHS England's sandbox on a free port, for a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@causeway/testing/free-port';
import { standIn } from '../sandbox.ts';

export type Sandbox = { url: string; process: ChildProcess; stop(): Promise<void> };

const CACHE = join(import.meta.dirname, '../../../../../.causeway/cache');

/** @throws Error that says what to install, where this machine cannot run it */
export const startSandbox = async (): Promise<Sandbox> => {
  const said: string[] = [];
  const ready = await standIn({ cache: CACHE, environment: process.env, say: (line) => said.push(line) });
  if ('problem' in ready) throw new Error(ready.problem);
  const port = await freePort();
  const child = spawn(ready.command, ready.args(port), {
    env: { PATH: process.env.PATH, ...ready.env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const serves = () =>
    fetch(url + ready.health).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await serves())) {
    if (child.exitCode !== null) throw new Error('the sandbox ended');
    await delay(50);
  }
  return {
    url,
    process: child,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
