import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFramer, type Frame, frame, KEPT_OF_OVERSIZE } from './framer.ts';

const LIMIT = 1_000_000;

const split = (bytes: Buffer, cuts: number[]): Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

const framesOf = (chunks: Buffer[], limit = LIMIT): Frame[] => {
  const framer = createFramer(limit);
  return [...chunks.flatMap((chunk) => framer.push(chunk)), ...framer.end()];
};

/** Any bytes that may stand in a frame: FS ends one, VT before MSH begins one again. */
const content = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).map((byte) => (byte === 0x1c || byte === 0x0b ? 0x2e : byte)))
  .map((bytes) => Buffer.from(bytes));

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('MLLP framer', () => {
  it('finds the same messages wherever the stream is split', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 5 }), cuts, (messages, where) => {
        const wire = Buffer.concat(messages.map(frame));
        const found = framesOf(split(wire, where));
        assert.deepEqual(
          found,
          messages.map((message) => ({ kind: 'message', content: message })),
        );
      }),
    );
  });

  it('gives the same frames for any bytes at all, whole or in pieces', () => {
    const anything = fc
      .array(fc.oneof(fc.nat(255), fc.constantFrom(0x0b, 0x1c, 0x0d, 0x0a, 0x4d, 0x53, 0x48)), {
        maxLength: 400,
      })
      .map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(anything, cuts, fc.integer({ min: 1, max: 64 }), (bytes, where, limit) => {
        assert.deepEqual(framesOf(split(bytes, where), limit), framesOf([bytes], limit));
      }),
      { numRuns: 500 },
    );
  });

  it('finds a good message between any garbage on both sides', () => {
    const garbage = content.filter((bytes) => bytes.some((byte) => byte > 0x20));
    fc.assert(
      fc.property(garbage, content, garbage, cuts, (before, message, after, where) => {
        const found = framesOf(split(Buffer.concat([before, frame(message), after]), where));
        assert.deepEqual(
          found.map((one) => one.kind),
          ['outside-frame', 'message', 'outside-frame'],
        );
        assert.deepEqual(found[1], { kind: 'message', content: message });
      }),
    );
  });

  it('takes line ends and blanks between frames for nothing', () => {
    const message = Buffer.from('MSH|');
    assert.deepEqual(framesOf([Buffer.from('\r\n '), frame(message), Buffer.from('\r\n\r\n')]), [
      { kind: 'message', content: message },
    ]);
  });

  it('ends a frame at FS even where the carriage return is missing', () => {
    const found = framesOf([Buffer.from('\x0bone\x1c\x0btwo\x1c\n')]);
    assert.deepEqual(
      found.map((one) => 'content' in one && one.content.toString()),
      ['one', 'two'],
    );
  });

  it('tells a message cut short from the one that the sender began again behind it', () => {
    const found = framesOf([Buffer.from('\x0bMSH|half'), frame(Buffer.from('MSH|whole'))]);
    assert.deepEqual(found, [
      { kind: 'cut-short', content: Buffer.from('MSH|half') },
      { kind: 'message', content: Buffer.from('MSH|whole') },
    ]);
  });

  it('keeps a vertical tab that is part of the text', () => {
    const message = Buffer.from('MSH|line one\x0bline two');
    assert.deepEqual(framesOf([frame(message)]), [{ kind: 'message', content: message }]);
  });

  it('hands over half a message when the stream ends', () => {
    const framer = createFramer(LIMIT);
    assert.deepEqual(framer.push(Buffer.from('\x0bMSH|half')), []);
    assert.equal(framer.pending(), true);
    assert.deepEqual(framer.end(), [{ kind: 'cut-short', content: Buffer.from('MSH|half') }]);
    assert.equal(framer.pending(), false);
  });

  it('keeps the head, the length and the hash of a message above the limit, and goes on behind it', () => {
    const large = Buffer.alloc(3 * LIMIT + 7, 'x');
    const small = Buffer.from('MSH|small');
    const wire = Buffer.concat([frame(large), frame(small)]);
    const chunks = Array.from({ length: Math.ceil(wire.length / 65_536) }, (_, index) =>
      wire.subarray(index * 65_536, (index + 1) * 65_536),
    );
    const [first, second] = framesOf(chunks);
    assert.ok(first?.kind === 'oversize');
    assert.equal(first.head.length, KEPT_OF_OVERSIZE);
    assert.equal(first.length, large.length);
    assert.equal(first.sha256, createHash('sha256').update(large).digest('hex'));
    assert.deepEqual(second, { kind: 'message', content: small });
  });
});
