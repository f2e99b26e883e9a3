import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import fc from 'fast-check';
import pino from 'pino';
import { parseMessage } from './hl7/parser.ts';
import { createIntake } from './intake.ts';
import { createFramer, frame } from './mllp/framer.ts';
import { serveMllp } from './mllp/sender.ts';

const AT = new Date('2026-03-05T10:15:00Z');

const field = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 10 }),
  fc.constantFrom('', '""', 'a^b&c~d', '\\F\\', '20260305101500', 'MSH', 'I'),
);
const segmentLine = fc
  .tuple(
    fc.constantFrom('EVN', 'PID', 'PD1', 'PV1', 'PV2', 'OBX', 'ZU8', 'NTE'),
    fc.array(field, { maxLength: 50 }),
  )
  .map(([name, fields]) => `${name}|${fields.join('|')}`.replace(/\p{Cc}/gu, ' '));
const message = fc
  .tuple(
    fc.constantFrom('A01', 'A03', 'A04', 'A08', 'A11', 'A31', 'A40', 'S12'),
    fc.nat(1_000_000),
    fc.constantFrom('\r', '\n', '\r\n'),
    fc.array(segmentLine, { maxLength: 8 }),
  )
  .map(([trigger, id, end, lines]) =>
    Buffer.from(
      [`MSH|^~\\&|PAS|RWX|TIE|RWX|20260305101500||ADT^${trigger}|${id}|P|2.4`, ...lines, ''].join(end),
    ),
  );
const feed = fc.array(message, { minLength: 1, maxLength: 4 });

/** The wire in pieces of the given sizes, over and over. */
const pieces = (wire: Buffer, sizes: readonly number[]): Buffer[] => {
  const cut: Buffer[] = [];
  for (let at = 0, index = 0; at < wire.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    cut.push(wire.subarray(at, at + size));
    at += size;
  }
  return cut;
};

describe('feeds', () => {
  it('are read the same however they are split and whatever else comes between', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.tuple(feed, sizes), { minLength: 1, maxLength: 6 }), (connections) => {
        const open = connections.map(([messages, cut]) => ({
          framer: createFramer(1_000_000),
          waiting: pieces(Buffer.concat(messages.map(frame)), cut),
          read: [] as unknown[],
        }));
        while (open.some(({ waiting }) => waiting.length > 0)) {
          for (const { framer, waiting, read } of open) {
            for (const found of framer.push(waiting.shift() ?? Buffer.alloc(0))) {
              assert.ok(found.kind === 'message');
              read.push(parseMessage(found.content));
            }
          }
        }
        assert.deepEqual(
          open.map(({ read }) => read),
          connections.map(([messages]) => messages.map((raw) => parseMessage(raw))),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('come whole and in order through sockets', async () => {
    const received = new Map<string, string[]>();
    const server = await serveMllp({
      host: '127.0.0.1',
      port: 0,
      maxMessageBytes: 1_000_000,
      idleMs: 5_000,
      maxConnections: 64,
      turnedAway: () => undefined,
      handle: async ({ frame: found }) => {
        assert.ok(found.kind === 'message');
        const [connection = '', text = ''] = found.content.toString('latin1').split('#');
        received.set(connection, [...(received.get(connection) ?? []), text]);
        return { answer: Buffer.from('MSA|AA'), next: 'go-on' };
      },
    });
    const large = 'x'.repeat(200_000);
    const sent = Array.from({ length: 24 }, (_, connection) =>
      Array.from({ length: 12 }, (__, index) => (index === 5 ? large : `message ${connection} ${index}`)),
    );
    await Promise.all(
      sent.map(async (messages, connection) => {
        const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
        await once(socket, 'connect');
        const framer = createFramer(10_000);
        let answers = 0;
        const answered = new Promise<void>((resolve) => {
          socket.on('data', (chunk) => {
            answers += framer.push(chunk).length;
            if (answers === messages.length) resolve();
          });
        });
        const wire = Buffer.concat(messages.map((text) => frame(Buffer.from(`${connection}#${text}`))));
        for (const piece of pieces(wire, [1, 700, 13, 40_000])) socket.write(piece);
        await answered;
        socket.destroy();
      }),
    );
    await server.close();
    assert.deepEqual(
      sent.map((_, connection) => received.get(String(connection))),
      sent,
    );
  });

  it('of any bytes never crash the adapter, lose the good message behind, or put a person into a log', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const good = Buffer.from(
      'MSH|^~\\&|PAS|RWX|TIE|RWX|20260305101500||ADT^A31|GOOD|P|2.4\rEVN||20260305101500\rPID|1||G1\r',
    );
    const personal = 'Zebedee^Quintessa';
    const noise = fc.tuple(message, fc.uint8Array({ maxLength: 80 }), fc.nat(400)).map(([raw, bytes, at]) => {
      const cut = Math.min(at, raw.length);
      const named = Buffer.from(`\rPID|1||Q77||${personal}||19410217\r`);
      return Buffer.concat([raw.subarray(0, cut), bytes, named, raw.subarray(cut)]);
    });
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { minLength: 1, maxLength: 4 }), async (chunks) => {
        const accepted: Buffer[] = [];
        const handle = createIntake({
          source: {
            accept: async ({ raw }) => {
              accepted.push(raw);
              return { fate: 'published', ids: ['x'] };
            },
            deadLetter: async () => undefined,
          },
          ackMode: 'original',
          nhsNumber: { withoutStatus: 'verified' },
          processingIds: new Set(['P']),
          shieldingMark: { segment: 'ZU8', field: 3 },
          safeguard: () => [],
          contact: () => ({ organisation: 'Westshire NHS Trust' }),
          now: () => AT,
          log,
          metrics: createMetrics('test'),
        });
        const framer = createFramer(10_000);
        // The bytes may have left a frame open: it is closed first.
        const closing = Buffer.from([0x1c, 0x0d]);
        for (const chunk of [...chunks.map(frame), ...chunks, closing, frame(good)]) {
          for (const found of framer.push(chunk)) await handle({ frame: found, silent: false });
        }
        assert.deepEqual(accepted.at(-1), good);
      }),
      { numRuns: 60 },
    );
    assert.ok(lines.length > 0);
    assert.doesNotMatch(lines.join(''), /Zebedee|Quintessa|Q77|19410217/);
  });
});
