/**
 * A trust integration engine that sends: it keeps one connection, sends one message at a time, connects again when it
 * is cut off, and sends again what was not acknowledged. As a program it plays invented visits for ever, at a
 * steady pace, and the fixtures once between them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { integer, loadConfig, port, serviceSettings, text } from '@causeway/runtime/service/config';
import { createLogger, type Logger } from '@causeway/runtime/telemetry/log';
import { EXAMPLE_ADULTS, EXAMPLE_CHILDREN } from '@causeway/schemas/identifiers/example-people';
import { header, parseMessage, segment, text as value } from '../hl7/parser.ts';
import { createFramer, frame } from '../mllp/framer.ts';
import { attendanceMessage, stayMessage, type Trigger } from './synthetic.ts';

export type Acknowledged = { code: string; controlId: string; text: string | undefined };

export type EngineOptions = {
  host: string;
  port: number;
  /** How long it waits for an answer before it sends the message again on a new connection. */
  answerMs?: number;
  /** How long it waits before it connects again, or sends again what was refused for now. */
  againMs?: number;
  signal?: AbortSignal;
};

export type Engine = {
  /** Sends until the answer is another than AE or CE; resolves with it. @throws the signal's reason */
  send(message: Buffer): Promise<Acknowledged>;
  /** Sends once. @throws Error when no answer to this message came */
  attempt(message: Buffer): Promise<Acknowledged>;
  close(): void;
};

const AGAIN = new Set(['AE', 'CE']);

/** Reads an acknowledgement. */
export const readAcknowledgement = (raw: Buffer): Acknowledged => {
  const parsed = parseMessage(raw);
  if (parsed.kind !== 'message') throw new Error('the answer is not an HL7 message');
  const msa = segment(parsed.message, 'MSA');
  return {
    code: value(parsed.message, msa, 1) ?? '',
    controlId: value(parsed.message, msa, 2) ?? '',
    text: value(parsed.message, msa, 3),
  };
};

const controlIdOf = (message: Buffer): string => {
  const parsed = parseMessage(message);
  return parsed.kind === 'message' ? (value(parsed.message, header(parsed.message), 10) ?? '') : '';
};

/** Makes an engine; it connects when it has something to send. */
export const createEngine = (options: EngineOptions): Engine => {
  const { answerMs = 15_000, againMs = 500, signal } = options;
  let socket: Socket | undefined;

  const connected = async (): Promise<Socket> => {
    if (socket !== undefined && !socket.destroyed && socket.writable) return socket;
    const fresh = connect({ host: options.host, port: options.port, noDelay: true });
    socket = fresh;
    await new Promise<void>((resolve, reject) => {
      fresh.once('connect', resolve).once('error', reject);
    });
    // Errors after this are seen by whoever waits for an answer, and by the next attempt to write.
    fresh.on('error', () => undefined);
    return fresh;
  };

  const attempt = async (message: Buffer): Promise<Acknowledged> => {
    const to = await connected();
    const framer = createFramer(100_000);
    const answer = new Promise<Acknowledged>((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(late);
        to.off('data', onData).off('close', onClose);
        settle();
      };
      const onClose = (): void =>
        done(() => reject(new Error('the connection was closed before the answer')));
      const onData = (chunk: Buffer): void => {
        const [found] = framer.push(chunk);
        if (found?.kind === 'message') done(() => resolve(readAcknowledgement(found.content)));
      };
      const late = setTimeout(() => {
        to.destroy();
        done(() => reject(new Error('no answer in time')));
      }, answerMs);
      to.on('data', onData).on('close', onClose);
    });
    to.write(frame(message));
    const acknowledged = await answer;
    if (acknowledged.controlId === controlIdOf(message)) return acknowledged;
    to.destroy();
    throw new Error('the answer names another message');
  };

  return {
    attempt,
    async send(message) {
      for (;;) {
        signal?.throwIfAborted();
        const acknowledged = await attempt(message).catch(() => undefined);
        if (acknowledged !== undefined && !AGAIN.has(acknowledged.code)) return acknowledged;
        await delay(againMs, undefined, signal && { signal });
      }
    },
    close: () => socket?.destroy(),
  };
};

const FIXTURES = new URL('../../fixtures/', import.meta.url);

/** The sample messages of real products, or those of a folder beside them, in order of their names. */
export const fixtureMessages = (folder = ''): { name: string; raw: Buffer }[] => {
  const from = new URL(folder, FIXTURES);
  return readdirSync(from)
    .filter((file) => file.endsWith('.hl7'))
    .sort()
    .map((file) => ({
      name: `${folder}${file.slice(0, -'.hl7'.length)}`,
      raw: readFileSync(new URL(file, from)),
    }));
};

/** What happens to a stay, by its number: most are admitted and discharged, some of it is withdrawn. */
const courseOf = (stay: number): Trigger[] => {
  if (stay % 11 === 0) return ['A01', 'A11'];
  if (stay % 7 === 0) return ['A01', 'A03', 'A13', 'A03'];
  return ['A01', 'A08', 'A03'];
};

/**
 * Invented visits without end: a child in the emergency department, then a stay. Every second child is one in six who has a child
 * protection plan at the example council, every second adult one of the tenth whom it knows.
 */
function* visits(first: number, now: () => Date): Generator<Buffer, never> {
  for (let visit = first; ; visit += 1) {
    const child = (visit % 2 ? visit : 3 * visit) % EXAMPLE_CHILDREN;
    yield attendanceMessage({ attendance: visit, child, controlId: `SIMA${visit}`, at: now() });
    const patient = visit % 2 ? (visit * 13) % EXAMPLE_ADULTS : (10 * visit + 1) % EXAMPLE_ADULTS;
    const admittedAt = now();
    for (const [index, trigger] of courseOf(visit).entries())
      yield stayMessage({
        trigger,
        stay: visit,
        patient,
        controlId: `SIM${visit}-${index}`,
        at: now(),
        admittedAt,
      });
  }
}

/** Invented visits, between them each of the fixtures once. */
export function* engineTraffic(firstVisit: number, now: () => Date): Generator<Buffer, never> {
  const invented = visits(firstVisit, now);
  for (const { raw } of fixtureMessages()) {
    yield invented.next().value;
    yield raw;
  }
  return yield* invented;
}

const settings = {
  ...serviceSettings,
  NHS_TRUST_MLLP_HOST: text('127.0.0.1'),
  NHS_TRUST_MLLP_PORT: port(2575),
  NHS_TRUST_SIMULATOR_PER_MINUTE: integer(60, { min: 1, max: 60_000 }),
};

const play = async (
  log: Logger,
  signal: AbortSignal,
  config: ReturnType<typeof loadConfig<typeof settings>>,
) => {
  const engine = createEngine({ host: config.NHS_TRUST_MLLP_HOST, port: config.NHS_TRUST_MLLP_PORT, signal });
  const pause = 60_000 / config.NHS_TRUST_SIMULATOR_PER_MINUTE;
  // Visits are numbered by the minute of the start, so that a later run does not repeat them.
  const firstVisit = Math.floor(Date.now() / 60_000) * 1_000;
  for (const message of engineTraffic(firstVisit, () => new Date())) {
    const { code } = await engine.send(message);
    log.debug({ code }, 'message acknowledged');
    await delay(pause, undefined, { signal });
  }
};

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('nhs-trust-simulator', config.LOG_LEVEL);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  log.info(
    { event: 'simulator.started', port: config.NHS_TRUST_MLLP_PORT },
    'the simulated engine is sending',
  );
  await play(log, stop.signal, config).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  process.exit(0);
}
