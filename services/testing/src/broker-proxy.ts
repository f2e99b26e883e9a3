import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import kafkajs from 'kafkajs';
import { testVariable } from './bus.ts';

/**
 * What happens to one request: its answer is passed on, kept back, or awaited and then the connection is cut; or it is answered with
 * yes and forgotten, which only some requests of a transaction can be.
 */
type Fate = 'pass' | 'lose-answer' | 'cut-after-answer' | 'cut-before' | 'forget';

/** A broker behind a bad network: a client given `broker` as its only address stays behind it. */
export type BrokerProxy = {
  broker: string;
  /** Decides each request by its API key; replaces the one before. */
  onRequest(decide: (apiKey: number) => Fate): void;
  /** Requests that reached the proxy, by API key. */
  count(apiKey: number): number;
  openSockets(): number;
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>;
  /** Ends every connection there is now. */
  cut(): void;
  /** Takes bytes from nobody any more, as a stopped process does, until it thaws. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
};

export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  initProducerId: 22,
  addPartitions: 24,
  endTxn: 26,
} as const;

/** Calls `take` with each whole message: four bytes of length, then that many. */
const framed = (take: (frame: Buffer) => void) => {
  let rest = Buffer.alloc(0);
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
};

/** The same number, no throttling, and no error, whether that is a number or a list. */
const yes = (correlationId: number): Buffer => {
  const frame = Buffer.alloc(16);
  frame.writeInt32BE(12, 0);
  frame.writeInt32BE(correlationId, 4);
  return frame;
};

const addressBytes = (host: string, port: number): Buffer => {
  const bytes = Buffer.alloc(2 + host.length + 4);
  bytes.writeInt16BE(host.length, 0);
  bytes.write(host, 2);
  bytes.writeInt32BE(port, 2 + host.length);
  return bytes;
};

/** Starts a proxy before the broker of the test run. It puts itself into the addresses that the broker tells. */
export const startBrokerProxy = async (): Promise<BrokerProxy> => {
  const [host = '', port = ''] = testVariable('KAFKA_BROKERS').split(':');
  const clients = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const counts = new Map<number, number>();
  let decide: (apiKey: number) => Fate = () => 'pass';
  let frozen = false;
  let whenClosed: (() => void)[] = [];

  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    const pending = new Map<number, { apiKey: number; fate: Fate }>();
    const own = addressBytes(host, (server.address() as AddressInfo).port);
    const real = addressBytes(host, Number(port));
    clients.add(client);
    upstreams.add(upstream);
    if (frozen) client.pause();
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on('close', () => {
      clients.delete(client);
      upstream.destroy();
      if (clients.size === 0) for (const resolve of whenClosed.splice(0)) resolve();
    });
    upstream.on('close', () => {
      upstreams.delete(upstream);
      client.destroy();
    });
    for (const socket of [client, upstream]) socket.on('error', end);
    client.on(
      'data',
      framed((frame) => {
        const apiKey = frame.readInt16BE(4);
        counts.set(apiKey, (counts.get(apiKey) ?? 0) + 1);
        const fate = decide(apiKey);
        if (fate === 'cut-before') return end();
        if (fate === 'forget') return client.write(yes(frame.readInt32BE(8)));
        pending.set(frame.readInt32BE(8), { apiKey, fate });
        upstream.write(frame);
      }),
    );
    upstream.on(
      'data',
      framed((frame) => {
        const { apiKey, fate } = pending.get(frame.readInt32BE(4)) ?? { apiKey: -1, fate: 'pass' };
        if (fate === 'cut-after-answer') return end();
        if (fate === 'lose-answer') return;
        const at = apiKey === API.metadata ? frame.indexOf(real) : -1;
        if (at >= 0) own.copy(frame, at);
        client.write(frame);
      }),
    );
  });
  server.listen(0, host);
  await once(server, 'listening');
  const set = (now: boolean) => {
    frozen = now;
    for (const socket of [...clients, ...upstreams]) {
      if (now) socket.pause();
      else socket.resume();
    }
  };

  return {
    broker: `${host}:${(server.address() as AddressInfo).port}`,
    onRequest: (next) => {
      decide = next;
    },
    count: (apiKey) => counts.get(apiKey) ?? 0,
    openSockets: () => clients.size,
    allClosed: () =>
      new Promise((resolve) => {
        if (clients.size === 0) resolve();
        else whenClosed = [...whenClosed, resolve];
      }),
    cut: () => {
      for (const socket of clients) socket.destroy();
    },
    freeze: () => set(true),
    thaw: () => set(false),
    close: async () => {
      for (const socket of [...clients, ...upstreams]) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** The next request of the kind meets this fate, all others pass. */
export const onceOnly = (apiKey: number, fate: Fate): ((apiKey: number) => Fate) => {
  let done = false;
  return (asked) => {
    if (asked !== apiKey || done) return 'pass';
    done = true;
    return fate;
  };
};

/** From now on the broker forgets that transactions write somewhere, and that they end, as one does that is killed at a bad moment. */
export const forgetTransactions = (apiKey: number): Fate =>
  apiKey === API.addPartitions || apiKey === API.endTxn ? 'forget' : 'pass';

/**
 * Whether the test broker takes records of transactions that it has not been told of, as it finds them after it forgot. It is a setting of
 * the whole broker and harms nobody else.
 */
export const acceptForgotten = async (accept: boolean): Promise<void> => {
  const client = new kafkajs.Kafka({
    brokers: [testVariable('KAFKA_BROKERS')],
    sasl: {
      mechanism: 'scram-sha-512',
      username: testVariable('KAFKA_USERNAME'),
      password: testVariable('KAFKA_PASSWORD'),
    },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = client.admin();
  await admin.connect();
  try {
    const configEntries = [{ name: 'transaction.partition.verification.enable', value: String(!accept) }];
    const broker = { type: BROKER_CONFIG, name: '1', configEntries };
    await admin.alterConfigs({ validateOnly: false, resources: [broker] });
  } finally {
    await admin.disconnect();
  }
};

const BROKER_CONFIG = 4;
