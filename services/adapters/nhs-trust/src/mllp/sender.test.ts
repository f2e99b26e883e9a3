import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createFramer, frame } from './framer.ts';
import { type Arrival, type MllpOptions, type Reply, serveMllp } from './sender.ts';

const contentOf = ({ frame: one }: Arrival): string => ('content' in one ? one.content.toString() : one.kind);

/** Answers every message with its own content. */
const echo = async (arrival: Arrival): Promise<Reply> => ({
  answer: Buffer.from(contentOf(arrival)),
  next: 'go-on',
});

const serve = async (t: TestContext, handle: MllpOptions['handle'], options: Partial<MllpOptions> = {}) => {
  const server = await serveMllp({
    host: '127.0.0.1',
    port: 0,
    maxMessageBytes: 1_000_000,
    idleMs: 5_000,
    maxConnections: 10,
    turnedAway: () => undefined,
    ...options,
    handle,
  });
  t.after(() => server.close());
  return server;
};

const open = async (t: TestContext, port: number): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
};

/** Everything the server says until it hangs up or has said `count` messages. */
const answers = async (socket: Socket, count = Number.POSITIVE_INFINITY): Promise<string[]> => {
  const framer = createFramer(1_000_000);
  const found: string[] = [];
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      for (const one of framer.push(chunk)) if (one.kind === 'message') found.push(one.content.toString());
      if (found.length >= count) resolve();
    });
    socket.once('close', () => resolve()).once('end', () => resolve());
  });
  return found;
};

const numbered = (count: number, prefix = 'm'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const wireOf = (contents: string[]): Buffer =>
  Buffer.concat(contents.map((content) => frame(Buffer.from(content))));

describe('MLLP server', { timeout: 20_000 }, () => {
  it('answers the messages of a connection in their order, whichever was done first', async (t) => {
    const gates = numbered(3).map(() => Promise.withResolvers<void>());
    const server = await serve(t, async (arrival) => {
      await gates[Number(contentOf(arrival).slice(1))]?.promise;
      return echo(arrival);
    });
    const socket = await open(t, server.port);
    socket.write(wireOf(numbered(3)));
    const found = answers(socket, 3);
    for (const gate of gates.toReversed()) gate.resolve();
    assert.deepEqual(await found, numbered(3));
  });

  it('answers every message of four connections that are split and interleaved at random', async (t) => {
    const server = await serve(t, echo);
    const sockets = await Promise.all(numbered(4).map(() => open(t, server.port)));
    const expected = sockets.map((_, index) => numbered(50, `c${index}-`));
    const found = sockets.map((socket) => answers(socket, 50));
    const rest = expected.map(wireOf);
    while (rest.some((wire) => wire.length > 0)) {
      const index = Math.floor(Math.random() * 4);
      const cut = 1 + Math.floor(Math.random() * 9);
      sockets[index]?.write(rest[index]?.subarray(0, cut) ?? '');
      rest[index] = rest[index]?.subarray(cut) ?? Buffer.alloc(0);
      if (Math.random() < 0.05) await new Promise(setImmediate);
    }
    assert.deepEqual(await Promise.all(found), expected);
  });

  it('answers everything to a sender that closes its side after the last message', async (t) => {
    const server = await serve(t, echo);
    const socket = await open(t, server.port);
    socket.end(wireOf(numbered(5)));
    assert.deepEqual(await answers(socket), numbered(5));
  });

  it('hands over half a message when the sender falls silent, and hangs up', async (t) => {
    const arrivals: Arrival[] = [];
    const server = await serve(
      t,
      async (arrival) => {
        arrivals.push(arrival);
        return { answer: Buffer.from('no'), next: 'close' };
      },
      { idleMs: 50 },
    );
    const socket = await open(t, server.port);
    socket.write('\x0bMSH|half');
    assert.deepEqual(await answers(socket), ['no']);
    assert.deepEqual(arrivals, [
      { frame: { kind: 'cut-short', content: Buffer.from('MSH|half') }, silent: true },
    ]);
  });

  it('gives up a message that only trickles in, but not a stream that never pauses between messages', async (t) => {
    const server = await serve(t, echo, { idleMs: 200 });
    const [trickling, streaming] = [await open(t, server.port), await open(t, server.port)];
    trickling.write('\x0bMSH|');
    const ended = answers(trickling);
    const found = answers(streaming, 100);
    let trickle = true;
    trickling.once('end', () => {
      trickle = false;
    });
    streaming.write('\x0bone');
    for (let n = 0; n < 100; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 22));
      if (trickle) trickling.write('x');
      streaming.write('\x1c\r\x0bone');
    }
    assert.deepEqual(await found, Array(100).fill('one'));
    assert.equal((await ended).length, 1);
  });

  it('keeps a connection that is silent between messages', async (t) => {
    const server = await serve(t, echo, { idleMs: 20 });
    const socket = await open(t, server.port);
    socket.write(wireOf(['one']));
    assert.deepEqual(await answers(socket, 1), ['one']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.write(wireOf(['two']));
    assert.deepEqual(await answers(socket, 1), ['two']);
  });

  it('refuses 20 MB with an answer that arrives, and holds no more of it than it keeps', async (t) => {
    const large = Buffer.alloc(20_000_000, 'x');
    let seen: Arrival | undefined;
    const server = await serve(t, async (arrival) => {
      seen = arrival;
      return { answer: Buffer.from('too large'), next: 'close' };
    });
    const socket = await open(t, server.port);
    socket.write(frame(large));
    assert.deepEqual(await answers(socket), ['too large']);
    assert.ok(seen?.frame.kind === 'oversize');
    assert.equal(seen.frame.length, large.length);
    assert.equal(seen.frame.sha256, createHash('sha256').update(large).digest('hex'));
    assert.equal(seen.frame.head.length, 400_000);
  });

  it('stops reading a sender that is far ahead of the answers', async (t) => {
    let taken = 0;
    const go = Promise.withResolvers<void>();
    const server = await serve(t, async (arrival) => {
      taken += 1;
      await go.promise;
      return echo(arrival);
    });
    const socket = await open(t, server.port);
    const content = 'x'.repeat(40_000);
    for (let n = 0; n < 500; n += 1) socket.write(wireOf([content]));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(taken >= 64 && taken < 80);
    const found = answers(socket, 500);
    go.resolve();
    assert.equal((await found).length, 500);
  });

  it('turns away connections above the limit and serves the others', async (t) => {
    let turnedAway = 0;
    const server = await serve(t, echo, {
      maxConnections: 1,
      turnedAway: () => {
        turnedAway += 1;
      },
    });
    const first = await open(t, server.port);
    const second = await open(t, server.port);
    assert.deepEqual(await answers(second), []);
    assert.equal(turnedAway, 1);
    first.write(wireOf(['one']));
    assert.deepEqual(await answers(first, 1), ['one']);
  });

  it('hangs up after a refusal for now where more was sent behind it, and keeps the connection otherwise', async (t) => {
    const server = await serve(t, async (arrival) => ({ ...(await echo(arrival)), next: 'hold' }));
    const patient = await open(t, server.port);
    patient.write(wireOf(['one']));
    assert.deepEqual(await answers(patient, 1), ['one']);
    patient.write(wireOf(['two']));
    assert.deepEqual(await answers(patient, 1), ['two']);
    const hasty = await open(t, server.port);
    hasty.write(wireOf(['one', 'two']));
    assert.deepEqual(await answers(hasty), ['one', 'two']);
  });

  it('answers what is under way before it closes, and takes nothing more', async (t) => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const server = await serve(t, async (arrival) => {
      begun.resolve();
      await go.promise;
      return echo(arrival);
    });
    const socket = await open(t, server.port);
    socket.write(wireOf(['one']));
    await begun.promise;
    const closed = server.close();
    const found = answers(socket);
    socket.write(wireOf(['two']));
    go.resolve();
    assert.deepEqual(await found, ['one']);
    socket.end();
    await closed;
  });
});
