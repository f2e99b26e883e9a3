import { basename, join } from 'node:path';
import { repository } from '../common/paths.ts';
import type { Environment } from '../common/settings.ts';
import { type Placed, thirdPartyUrl } from './services.ts';
import type { PartSpec } from './supervisor/supervisor.ts';

/** What the module of a third-party simulator exports as `standIn`: it gets the program ready and says how to run it, or why this machine cannot. */
type GetReady = (around: {
  cache: string;
  environment: Environment;
  say(line: string): void;
}) => Promise<
  | { problem: string }
  | { command: string; args(port: number): string[]; env: Record<string, string>; health: string }
>;

type Ready = { placed: Placed; part?: PartSpec; problem?: string };

/** Keeps across starts what was installed once. */
const cache = join(repository, '.causeway', 'cache');

/** Gets the third-party simulator of a service ready, where it has one that is to run. */
export async function readyThirdParty(
  placed: Placed,
  environment: Environment,
  say: (line: string) => void,
): Promise<Ready> {
  const { service, thirdPartyPort } = placed;
  if (service.standIn === undefined || thirdPartyPort === undefined) return { placed };
  const { standIn }: { standIn: GetReady } = await import(join(service.directory, service.standIn.module));
  const ready = await standIn({ cache, environment, say });
  if ('problem' in ready) return { placed, problem: ready.problem };
  const part: PartSpec = {
    name: `${service.name}-${basename(service.standIn.module, '.ts')}`,
    command: ready.command,
    args: ready.args(thirdPartyPort),
    cwd: service.directory,
    env: { ...(environment.PATH ? { PATH: environment.PATH } : {}), ...ready.env },
    probe: async () => {
      const answer = await fetch(thirdPartyUrl(thirdPartyPort) + ready.health, {
        signal: AbortSignal.timeout(3_000),
      });
      await answer.arrayBuffer();
      return answer.ok;
    },
    stopTimeoutMs: 3_000,
  };
  return { placed, part };
}
