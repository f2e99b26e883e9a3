import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { type AckMode, type AckVerdict, acknowledgement } from '../hl7/acknowledgement.ts';
import { parseHeader, parseMessage } from '../hl7/parser.ts';
import { type MllpOptions, type Reply, serveMllp } from '../mllp/sender.ts';
import { createEngine, engineTraffic, fixtureMessages } from './simulator.ts';

const AT = new Date('2026-03-05T10:15:00Z');

/** A receiver that behaves as told, once per message that comes. */
const receiver = async (
  behaviours: (AckVerdict | 'hang-up' | 'other-id')[],
  ackMode: AckMode = 'original',
) => {
  const received: string[] = [];
  const handle: MllpOptions['handle'] = async ({ frame }): Promise<Reply> => {
    assert.ok(frame.kind === 'message');
    received.push(frame.content.toString('latin1'));
    const behaviour = behaviours[received.length - 1] ?? 'accepted';
    if (behaviour === 'hang-up') return { next: 'close' };
    const verdict = behaviour === 'other-id' ? 'accepted' : behaviour;
    const of = behaviour === 'other-id' ? undefined : parseHeader(frame.content);
    return { answer: acknowledgement(of, ackMode, { verdict }, { controlId: 'X', at: AT }), next: 'go-on' };
  };
  const server = await serveMllp({
    host: '127.0.0.1',
    port: 0,
    maxMessageBytes: 100_000,
    idleMs: 1_000,
    maxConnections: 4,
    handle,
    turnedAway: () => undefined,
  });
  return { server, received };
};

describe('simulated integration engine', { timeout: 10_000 }, () => {
  it('sends again what was refused for now, not answered, or answered for another message', async (t) => {
    const { server, received } = await receiver(['unavailable', 'hang-up', 'other-id']);
    const engine = createEngine({ host: '127.0.0.1', port: server.port, againMs: 1 });
    t.after(async () => {
      engine.close();
      await server.close();
    });
    const [sample] = fixtureMessages();
    assert.ok(sample);
    assert.equal((await engine.send(sample.raw)).code, 'AA');
    assert.deepEqual(received, Array(4).fill(sample.raw.toString('latin1')));
  });

  it('does not send again what was rejected', async (t) => {
    const { server, received } = await receiver(['rejected'], 'enhanced');
    const engine = createEngine({ host: '127.0.0.1', port: server.port, againMs: 1 });
    t.after(async () => {
      engine.close();
      await server.close();
    });
    assert.equal((await engine.send(fixtureMessages()[0]?.raw ?? Buffer.alloc(0))).code, 'CR');
    assert.equal(received.length, 1);
  });

  it('gives up when it is stopped while nobody listens', async () => {
    const stop = new AbortController();
    const engine = createEngine({ host: '127.0.0.1', port: 1, againMs: 1, signal: stop.signal });
    const sending = engine.send(Buffer.from('MSH|^~\\&|'));
    stop.abort();
    await assert.rejects(sending, { name: 'AbortError' });
  });

  it('plays each sample once between invented visits that can all be read, of children and of adults whom the council knows', () => {
    const traffic = engineTraffic(29_000_000, () => AT);
    const played = Array.from({ length: 60 }, () => traffic.next().value);
    const texts = played.map((raw) => raw.toString('latin1'));
    for (const { raw } of fixtureMessages())
      assert.equal(texts.filter((text) => text === raw.toString('latin1')).length, 1);
    assert.ok(played.every((raw) => parseMessage(raw).kind === 'message'));
    const first = texts.slice(0, 20);
    assert.ok(first.some((text) => /ADT\^A04/.test(text) && text.includes('|SIMA')));
    const known = Array.from({ length: 100 }, (_, index) => exampleAdult(10 * index + 1).nhsNumber);
    assert.ok(first.some((text) => /ADT\^A01/.test(text) && known.some((number) => text.includes(number))));
  });
});
