import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openProcessBook } from './process-book.ts';

/** What the supervisor must know to run one process and to keep it running. */
export type PartSpec = {
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** One question whether it serves now; a thrown error is a no. */
  probe: () => Promise<boolean>;
  /** Runs before the first start and before every restart. */
  prepare?: () => Promise<void>;
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
  readyTimeoutMs?: number;
  /** A part that runs but has not answered for this long is restarted. */
  unresponsiveMs?: number;
  /** It may have done all it was started for: then exit code 0 is no failure and nothing is started again. */
  mayFinish?: boolean;
  /** Run as another user than root (a server that refuses to be root). */
  user?: { uid: number; gid: number };
};

export type Part = {
  name: string;
  pid(): number | undefined;
  /** @param withinMs how long it may take before it is killed, if that is less than its own time */
  stop(withinMs?: number): Promise<void>;
};
export type Supervisor = {
  /** Resolves when the part serves; rejects with one clear sentence when it keeps failing. */
  start(spec: PartSpec): Promise<Part>;
  parts(): Part[];
  /** From now on nothing more is started. */
  seal(): void;
  /** Forgets the list of processes, once all of them were stopped. */
  close(): void;
};

export class PartFailed extends Error {
  readonly part: string;
  constructor(part: string, message: string) {
    super(message);
    this.part = part;
  }
}

const PROBE_EVERY_MS = 100;
const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 10_000;
const STEADY_AFTER_MS = 30_000;
const FAILURES_BEFORE_READY = 3;
const FAILURES_AFTER_READY = 5;

type Options = { home: string; say: (line: string) => void; onFailed: (error: PartFailed) => void };

/** Runs parts as child processes: restarts what ends, gives up on what keeps ending. */
export function createSupervisor({ home, say, onFailed }: Options): Supervisor {
  const book = openProcessBook(home);
  const logs = join(home, 'logs');
  mkdirSync(logs, { recursive: true });
  const parts: Part[] = [];
  let closed = false;

  async function start(spec: PartSpec): Promise<Part> {
    if (closed) throw new PartFailed(spec.name, `${spec.name} is not started: everything is being stopped`);
    const log = openLog(logs, spec.name);
    const stopping = new AbortController();
    let child: ChildProcess | undefined;
    let exited: Promise<Exit> = Promise.resolve({ code: 0, signal: null });
    const part: Part = {
      name: spec.name,
      pid: () => child?.pid,
      async stop(withinMs = Number.POSITIVE_INFINITY) {
        stopping.abort();
        if (!child) return;
        signalGroup(child, spec.stopSignal ?? 'SIGTERM');
        const late = setTimeout(
          () => child && signalGroup(child, 'SIGKILL'),
          Math.min(withinMs, spec.stopTimeoutMs ?? 5_000),
        );
        await exited;
        clearTimeout(late);
      },
    };
    parts.push(part);

    /** One life of the process, from its start to its end. */
    async function live(onReady: (ms: number) => void): Promise<Life> {
      await spec.prepare?.();
      stopping.signal.throwIfAborted();
      const from = log.size();
      const began = Date.now();
      const running = launch(spec, log.fd);
      child = running;
      exited = new Promise((resolve) => {
        running.once('error', (error) => resolve({ code: null, signal: null, error }));
        running.once('exit', (code, signal) => resolve({ code, signal }));
      });
      const { pid } = running;
      if (pid !== undefined) book.add({ name: spec.name, pid, stopSignal: spec.stopSignal ?? 'SIGTERM' });
      const over = new AbortController();
      const watched = watch(spec, over.signal, () => onReady(Date.now() - began));
      void watched.then((verdict) => verdict !== 'ended' && signalGroup(running, 'SIGKILL'));
      const exit = await exited;
      over.abort();
      if (pid !== undefined) book.remove(pid);
      child = undefined;
      return { exit, verdict: await watched, lastedMs: Date.now() - began, tail: () => log.tail(from) };
    }

    async function keep(firstReady: () => void): Promise<void> {
      let failures = 0;
      let everReady = false;
      while (!stopping.signal.aborted) {
        let ready = false;
        const life = await live((ms) => {
          if (everReady) say(`${spec.name} is back after ${(ms / 1000).toFixed(1)} s`);
          ready = everReady = true;
          firstReady();
        });
        if (stopping.signal.aborted || (spec.mayFinish && life.exit.code === 0)) return;
        // Somebody's kill says nothing about the part's own health, and a long life before it neither.
        const forgiven = ready && (life.exit.signal === 'SIGKILL' || life.lastedMs > STEADY_AFTER_MS);
        failures = forgiven ? 1 : failures + 1;
        const how = describeExit(life);
        if (failures >= (everReady ? FAILURES_AFTER_READY : FAILURES_BEFORE_READY)) {
          throw new PartFailed(
            spec.name,
            `${spec.name} keeps failing (${how}). Its last lines:\n${life.tail()}`,
          );
        }
        const wait = Math.min(FIRST_BACK_OFF_MS * 2 ** (failures - 1), LONGEST_BACK_OFF_MS);
        say(`${spec.name} ended (${how}); it is started again in ${(wait / 1000).toFixed(2)} s`);
        await delay(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }

    return new Promise((resolve, reject) => {
      let settled = false;
      keep(() => {
        settled = true;
        resolve(part);
      })
        .catch((error: unknown) => {
          if (stopping.signal.aborted) return;
          const failed =
            error instanceof PartFailed ? error : new PartFailed(spec.name, `${spec.name}: ${error}`);
          if (settled) onFailed(failed);
          else reject(failed);
        })
        .finally(() => {
          log.close();
          if (!settled) reject(new PartFailed(spec.name, `${spec.name} was stopped before it was ready`));
        });
    });
  }

  const seal = () => {
    closed = true;
  };
  return { start, parts: () => [...parts], seal, close: () => book.clear() };
}

type Exit = { code: number | null; signal: NodeJS.Signals | null; error?: Error };
type Verdict = 'ended' | 'never-ready' | 'unresponsive';
type Life = { exit: Exit; verdict: Verdict; lastedMs: number; tail: () => string };

function describeExit({ exit, verdict }: Life): string {
  if (verdict === 'never-ready') return 'it did not become ready in time';
  if (verdict === 'unresponsive') return 'it no longer answered';
  if (exit.error) return exit.error.message;
  return exit.signal ?? `exit code ${exit.code}`;
}

/** Asks the probe until the part is ready, and from then on where the part must keep answering. */
async function watch(spec: PartSpec, over: AbortSignal, onReady: () => void): Promise<Verdict> {
  let good = Date.now();
  let ready = false;
  while (!over.aborted) {
    const answer = await spec.probe().catch(() => false);
    if (over.aborted) break;
    if (answer) {
      good = Date.now();
      if (!ready) onReady();
      ready = true;
      if (!spec.unresponsiveMs) return 'ended';
    } else if (Date.now() - good > (ready ? (spec.unresponsiveMs ?? 0) : (spec.readyTimeoutMs ?? 60_000))) {
      return ready ? 'unresponsive' : 'never-ready';
    }
    await delay(ready ? 1_000 : PROBE_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
  }
  return 'ended';
}

/**
 * Children get a session of their own, so that Ctrl-C in a terminal reaches only the launcher, which
 * stops them in order. Where the system has `setpriv` they are also told to stop when the launcher dies.
 */
function launch(spec: PartSpec, logFd: number): ChildProcess {
  const { command, args } = wrapped(spec);
  return spawn(command, args, {
    cwd: spec.cwd,
    env: spec.env,
    stdio: ['ignore', logFd, logFd],
    detached: true,
    ...(spec.user && command === spec.command ? spec.user : {}),
  });
}

/** The same command as another user and bound to the life of this process, as far as the system can. */
export function wrapped(spec: Pick<PartSpec, 'command' | 'args' | 'user' | 'stopSignal'>) {
  const prefix = ['--pdeathsig', (spec.stopSignal ?? 'SIGTERM').slice(3)];
  if (spec.user) {
    // The other user may not be allowed into the folder of the repository (a home directory, `mktemp -d`).
    prefix.push(`--reuid=${spec.user.uid}`, `--regid=${spec.user.gid}`, '--clear-groups');
    // PostgreSQL asks with access(2), which looks away from capabilities unless the last flag is set.
    prefix.push(
      '--inh-caps=-all,+dac_override',
      '--ambient-caps=-all,+dac_override',
      '--securebits=+no_setuid_fixup',
    );
  }
  if (!setprivWorks(prefix)) return { command: spec.command, args: spec.args };
  return { command: 'setpriv', args: [...prefix, '--', spec.command, ...spec.args] };
}

const tried = new Map<string, boolean>();
function setprivWorks(prefix: string[]): boolean {
  if (process.platform !== 'linux') return false;
  const key = prefix.join(' ');
  const known = tried.get(key);
  if (known !== undefined) return known;
  const works = spawnSync('setpriv', [...prefix, '--', 'true'], { stdio: 'ignore' }).status === 0;
  tried.set(key, works);
  return works;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

const KEEP_LOG_BYTES = 20_000_000;
const TAIL_BYTES = 6_000;
const TAIL_LINES = 15;

function openLog(directory: string, name: string) {
  const path = join(directory, `${name}.log`);
  if (existsSync(path) && statSync(path).size > KEEP_LOG_BYTES) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a+');
  const size = () => fstatSync(fd).size;
  return {
    fd,
    size,
    close: () => closeSync(fd),
    tail(from: number): string {
      const start = Math.max(from, size() - TAIL_BYTES);
      const buffer = Buffer.alloc(size() - start);
      readSync(fd, buffer, 0, buffer.length, start);
      const lines = buffer.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
      return lines.map((line) => `  ${line.slice(0, 400)}`).join('\n') || '  (it wrote nothing)';
    },
  };
}
