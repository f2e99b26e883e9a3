import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../common/ports.ts';
import { type System, startSystem } from '../../dev/system.ts';
import { type Command, commandOn } from './command.ts';

/** The whole system on free ports and in a folder of its own, as a test across services uses it. */
export type Causeway = {
  system: System;
  home: string;
  mllp: { host: string; port: number };
  gateway: string;
  console: string;
  /** A new access token of an organisation. */
  token(organisation: string): Promise<string>;
  events(organisation: string, query?: string): Promise<EventsAnswer>;
  /** Every event that the organisation can read now, page by page. */
  allEvents(organisation: string): Promise<CloudEvent[]>;
  command: Command;
  /** Everything that any part has written to its log so far. */
  logs(): string;
  /** Ends a part at once; the supervisor starts it again. */
  kill(part: string): void;
  /** A home that was given stays. */
  stop(): Promise<void>;
};

export type CloudEvent = {
  id: string;
  type: string;
  subject: string;
  position: string;
  data: Record<string, unknown>;
};
type EventsAnswer = { events: CloudEvent[]; next: string };

type Options = {
  home?: string;
  agreementsDir?: string;
  /** Off by default. */
  simulators?: boolean;
  /** Only the hospital's adapter beside exchange, gateway and console: what a test does not need it need not wait for. */
  hospitalOnly?: boolean;
  /** As of the launcher. */
  environment?: Record<string, string>;
};

/** @param options a home of before goes on where it ended */
export const startCauseway = async (options: Options = {}): Promise<Causeway> => {
  const { home = mkdtempSync(join(tmpdir(), 'causeway-end-to-end-')) } = options;
  const failures: Error[] = [];
  const system = await startSystem({
    home,
    // Short, so that a test of a stalled sender need not wait for it.
    environment: { NHS_TRUST_IDLE_SECONDS: '2', ...options.environment },
    ports: freePorts(),
    simulators: options.simulators ?? false,
    ...(options.hospitalOnly ? { services: ['exchange', 'gateway', 'console', 'nhs-trust'] } : {}),
    agreementsDir: options.agreementsDir ?? join(import.meta.dirname, '../agreements'),
    say: () => {},
    onFailed: (error) => failures.push(error),
  }).catch((error) => {
    rmSync(home, { recursive: true, force: true });
    throw error;
  });
  const urlOf = (name: string) => {
    const url = system.endpoints[name]?.url;
    if (!url) throw new Error(`the service ${name} has no address`);
    return url;
  };
  const mllp = new URL(urlOf('nhs-trust'));
  const tokens = new Map<string, Promise<string>>();

  const command = commandOn(home);

  const token: Causeway['token'] = async (organisation) => {
    const { code, output } = await command('dev/token.ts', organisation);
    if (code !== 0) throw new Error(output);
    return output.trim();
  };

  const events: Causeway['events'] = async (organisation, query = '') => {
    const known = tokens.get(organisation) ?? token(organisation);
    tokens.set(organisation, known);
    for (;;) {
      const headers = { authorization: `Bearer ${await known}` };
      const answer = await fetch(`${urlOf('gateway')}/v1/events?${query}`, { headers }).catch(() => null);
      if (answer?.ok) return (await answer.json()) as EventsAnswer;
      if (answer && answer.status !== 503) throw new Error(`${answer.status} ${await answer.text()}`);
      if (failures[0]) throw failures[0];
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  return {
    system,
    home,
    mllp: { host: mllp.hostname, port: Number(mllp.port) },
    gateway: urlOf('gateway'),
    console: urlOf('console'),
    token,
    events,
    allEvents: async (organisation) => {
      const all: CloudEvent[] = [];
      let after = '';
      for (;;) {
        const page = await events(
          organisation,
          `limit=500${after ? `&after=${encodeURIComponent(after)}` : ''}`,
        );
        if (page.events.length === 0) return all;
        all.push(...page.events);
        after = page.next;
      }
    },
    command,
    logs: () => {
      const folder = join(home, 'logs');
      return readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('\n');
    },
    kill: (part) => {
      const pid = system.processes()[part];
      if (pid) process.kill(pid, 'SIGKILL');
    },
    stop: async () => {
      await system.stop();
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
};
