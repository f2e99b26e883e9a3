/**
 * A trust integration engine that receives: it takes documents, remembers control ids so that nothing is filed twice, and
 * can be told to answer badly. As a program it takes everything, or misbehaves as its setting says.
 */
import {
  choice,
  integer,
  loadConfig,
  port,
  serviceSettings,
  text as textSetting,
} from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { header, parseMessage, segment, text } from '../hl7/parser.ts';
import { serveMllp } from '../mllp/sender.ts';

/** What the engine does with one message. `other-id`: accepts, and names another message. */
export type Behaviour = 'AA' | 'AE' | 'AR' | 'nothing' | 'late' | 'other-id' | 'hang-up';

export type ReceivedDocument = {
  controlId: string;
  /** MSH-4: whose event it is. */
  from: string;
  /** MSH-5: the record, or the worklist. */
  application: string;
  /** TXA-12: the event's id. */
  document: string;
  confidentiality: string;
  hospitalNumber: string | undefined;
  /** The text, line by line. */
  lines: string[];
};

export type ReceivingEngine = {
  port: number;
  /** In the order in which they were filed; each control id once. */
  filed: ReceivedDocument[];
  /** Control ids of everything that came, each time it came. */
  came: string[];
  close(): Promise<void>;
};

export type ReceivingOptions = {
  port: number;
  host?: string;
  /** How late `late` is, milliseconds. */
  lateMs?: number;
  behave?(document: ReceivedDocument): Behaviour;
  heard?(document: ReceivedDocument, behaviour: Behaviour): void;
};

/** Listens until closed. A message that is answered with AA, late or under another name has been filed. */
export const receiveDocuments = async (options: ReceivingOptions): Promise<ReceivingEngine> => {
  const { host = '127.0.0.1', lateMs = 500, behave = () => 'AA' as const } = options;
  const filed: ReceivedDocument[] = [];
  const came: string[] = [];
  const known = new Set<string>();

  const server = await serveMllp({
    host,
    port: options.port,
    maxMessageBytes: 5_000_000,
    idleMs: 30_000,
    maxConnections: 64,
    turnedAway: () => undefined,
    async handle({ frame }) {
      const document = frame.kind === 'message' ? readDocument(frame.content) : undefined;
      if (document === undefined) return { next: 'close' };
      const behaviour = behave(document);
      came.push(document.controlId);
      options.heard?.(document, behaviour);
      if (behaviour === 'AE' || behaviour === 'AR')
        return { answer: answerTo(document.controlId, behaviour), next: 'go-on' };
      if (behaviour === 'nothing') return { next: 'go-on' };
      if (behaviour === 'hang-up') return { next: 'close' };
      if (!known.has(document.controlId)) {
        known.add(document.controlId);
        filed.push(document);
      }
      if (behaviour === 'late') await new Promise((resolve) => setTimeout(resolve, lateMs));
      const named = behaviour === 'other-id' ? 'ANOTHER' : document.controlId;
      return { answer: answerTo(named, 'AA'), next: 'go-on' };
    },
  });
  return { port: server.port, filed, came, close: server.close };
};

const readDocument = (raw: Buffer): ReceivedDocument | undefined => {
  const parsed = parseMessage(raw);
  if (parsed.kind !== 'message') return undefined;
  const { message } = parsed;
  const [msh, txa] = [header(message), segment(message, 'TXA')];
  const texts = message.segments.filter(({ name }) => name === 'OBX');
  return {
    controlId: text(message, msh, 10) ?? '',
    from: text(message, msh, 4) ?? '',
    application: text(message, msh, 5) ?? '',
    document: text(message, txa, 12) ?? '',
    confidentiality: text(message, txa, 18) ?? '',
    hospitalNumber: text(message, segment(message, 'PID'), 3),
    lines: texts.map((obx) => text(message, obx, 5) ?? ''),
  };
};

const answerTo = (controlId: string, code: string): Buffer =>
  Buffer.from(
    `MSH|^~\\&|ENGINE||CAUSEWAY||||ACK^T02|E${Date.now()}|P|2.4\rMSA|${code}|${controlId}\r`,
    'latin1',
  );

const settings = {
  ...serviceSettings,
  NHS_TRUST_ENGINE_HOST: textSetting('127.0.0.1'),
  NHS_TRUST_ENGINE_PORT: port(2576),
  NHS_TRUST_ENGINE_BEHAVIOUR: choice(
    ['AA', 'AE', 'AR', 'nothing', 'late', 'other-id', 'hang-up', 'random'],
    'AA',
  ),
  NHS_TRUST_ENGINE_LATE_MS: integer(500, { min: 0, max: 600_000 }),
};

const ANY: readonly Behaviour[] = ['AA', 'AA', 'AA', 'AE', 'AR', 'nothing', 'late', 'other-id', 'hang-up'];

/** Each message as the dice fall. */
export const randomBehaviour = (random: () => number = Math.random): Behaviour =>
  ANY[Math.floor(random() * ANY.length)] ?? 'AA';

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('nhs-trust-sink-simulator', config.LOG_LEVEL);
  const { NHS_TRUST_ENGINE_BEHAVIOUR: behaviour } = config;
  const engine = await receiveDocuments({
    host: config.NHS_TRUST_ENGINE_HOST,
    port: config.NHS_TRUST_ENGINE_PORT,
    lateMs: config.NHS_TRUST_ENGINE_LATE_MS,
    behave: () => (behaviour === 'random' ? randomBehaviour() : behaviour),
    heard: ({ controlId, from, application }, done) =>
      log.info({ event: 'simulator.received', controlId, from, application, done }, 'document received'),
  });
  log.info({ event: 'simulator.started', port: engine.port }, 'the simulated engine is listening');
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => void engine.close().then(() => process.exit(0)));
}
