/**
 * The MLLP server: what the trust's integration engine connects to. It speaks the protocol and nothing else: frames in,
 * answers out in the order of the frames. What a frame means, and when it may be answered, is the handler's.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createFramer, type Frame, frame } from './framer.ts';

/** What came, and whether the sender goes on: `silent` is what was left when the sender stopped or went away. */
export type Arrival = { frame: Frame; silent: boolean };
/**
 * The answer for the wire (none where the sender cannot or will not read one), and what becomes of the connection.
 * `hold`: the message was refused for now; nothing that the sender has sent behind it may overtake it.
 */
export type Reply = { answer?: Buffer | undefined; next: 'go-on' | 'hold' | 'close' };

export type MllpOptions = {
  host: string;
  port: number;
  maxMessageBytes: number;
  /** Silence in the middle of a message, and a reader that does not read, end the connection; milliseconds. */
  idleMs: number;
  maxConnections: number;
  /** Must not reject. Called in the order of arrival; frames of one connection may be under way together. */
  handle(arrival: Arrival): Promise<Reply>;
  /** A connection above the limit was turned away. */
  turnedAway(): void;
};

export type MllpServer = {
  port: number;
  /** Takes no more messages, answers those that are under way, then hangs up. */
  close(): Promise<void>;
};

/** Unanswered messages of one connection above which it is not read any further. */
const MAX_UNDER_WAY = 64;
/** Bytes of unanswered messages, over all connections, above which none is read any further. */
const MAX_BYTES_UNDER_WAY = 16 * 1024 * 1024;
/** A message that trickles in may take this many times the idle limit. */
const SLOWEST = 10;
/** How long the other side has to read the last answer and hang up as well. */
const LINGER_MS = 2_000;

/** What all connections share: how much is under way, and who waits for it to become less. */
type Load = { bytes: number; paused: Set<() => void> };

const sizeOf = (one: Frame): number => (one.kind === 'oversize' ? one.head.length : one.content.length);

const serveConnection = (socket: Socket, options: MllpOptions, load: Load): { drain(): Promise<void> } => {
  const framer = createFramer(options.maxMessageBytes);
  let underWay = 0;
  let answered: Promise<void> = Promise.resolve();
  let state: 'open' | 'ending' = 'open';
  let pipelined = false;
  let silence: NodeJS.Timeout | undefined;
  let begun: number | undefined;

  const watch = (): void => {
    clearTimeout(silence);
    const waiting = framer.pending();
    if (!waiting) begun = undefined;
    else begun ??= performance.now();
    if (waiting && state === 'open') silence = setTimeout(stall, options.idleMs);
  };

  const stall = (): void => {
    for (const left of framer.end()) take({ frame: left, silent: true });
    finish();
  };

  /** No further message is taken; the connection ends when everything taken has been answered. */
  const finish = (): void => {
    if (state === 'ending') return;
    state = 'ending';
    clearTimeout(silence);
    load.paused.delete(flow);
    socket.resume();
    answered = answered.then(() => hangUp());
  };

  const hangUp = (): Promise<void> =>
    new Promise((resolve) => {
      if (socket.destroyed) return resolve();
      // Closing over unread bytes would reset the connection, and the sender might never see the answer.
      const late = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      socket.end();
    });

  const flow = (): void => {
    if (state === 'ending' || socket.destroyed) return;
    const full = underWay >= MAX_UNDER_WAY || load.bytes >= MAX_BYTES_UNDER_WAY || socket.writableNeedDrain;
    if (full) {
      clearTimeout(silence);
      load.paused.add(flow);
      socket.pause();
    } else if (load.paused.delete(flow)) {
      watch();
      socket.resume();
    }
  };

  const write = (answer: Buffer | undefined): void => {
    if (answer === undefined || socket.destroyed) return;
    if (socket.write(frame(answer))) return;
    const late = setTimeout(() => socket.destroy(), options.idleMs);
    socket.once('drain', () => clearTimeout(late)).once('close', () => clearTimeout(late));
  };

  const take = (arrival: Arrival): void => {
    const size = sizeOf(arrival.frame);
    pipelined ||= underWay > 0;
    underWay += 1;
    load.bytes += size;
    const reply = options.handle(arrival);
    // At once and not in its turn: a sender that does not wait for answers may be sending the next message now.
    void reply.then(({ next }) => {
      if (next === 'close' || (next === 'hold' && pipelined)) finish();
    });
    answered = answered.then(async () => {
      const { answer } = await reply;
      underWay -= 1;
      load.bytes -= size;
      write(answer);
      for (const resume of [...load.paused]) resume();
    });
  };

  socket.on('data', (chunk) => {
    if (state === 'ending') return;
    for (const found of framer.push(chunk)) {
      begun = undefined;
      take({ frame: found, silent: false });
    }
    if (begun !== undefined && performance.now() - begun > SLOWEST * options.idleMs) stall();
    else watch();
    flow();
  });
  socket.on('end', () => {
    if (state === 'open') for (const left of framer.end()) take({ frame: left, silent: true });
    finish();
  });
  socket.on('drain', flow);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (state === 'open') for (const left of framer.end()) take({ frame: left, silent: true });
    finish();
  });

  return {
    async drain() {
      finish();
      await answered;
    },
  };
};

/** Listens until closed. @throws Error when the address cannot be listened on */
export const serveMllp = async (options: MllpOptions): Promise<MllpServer> => {
  const load: Load = { bytes: 0, paused: new Set() };
  const connections = new Set<{ drain(): Promise<void> }>();
  const server: Server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
    (socket) => {
      const connection = serveConnection(socket, options, load);
      connections.add(connection);
      socket.once('close', () => connections.delete(connection));
    },
  );
  server.maxConnections = options.maxConnections;
  server.on('drop', () => options.turnedAway());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...connections].map((connection) => connection.drain()));
      await closed;
    },
  };
};
