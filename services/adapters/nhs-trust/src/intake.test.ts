import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeadLetter } from '@causeway/runtime/bus/dead-letter';
import { RetryableError } from '@causeway/runtime/errors';
import type { PublishOutcome, SourceMessage } from '@causeway/runtime/source/publish';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import fc from 'fast-check';
import { createIntake } from './intake.ts';
import { createFramer, type Frame, frame } from './mllp/framer.ts';
import { fixtureMessages, readAcknowledgement } from './simulator/simulator.ts';
import { stayMessage } from './simulator/synthetic.ts';

const AT = new Date('2026-03-05T10:15:00Z');
const admission = (controlId: string) => stayMessage({ trigger: 'A01', stay: 1, controlId, at: AT });

const away = async (): Promise<never> => {
  throw new RetryableError('kafka-unavailable', 'away');
};

/** A source that only remembers what it was given. */
const arrange = (over: { accept?: () => Promise<PublishOutcome>; deadLetter?: () => Promise<void> } = {}) => {
  const accepted: SourceMessage[] = [];
  const letters: DeadLetter[] = [];
  const metrics = createMetrics('test');
  const handle = createIntake({
    source: {
      accept: async (message) => {
        accepted.push(message);
        return over.accept ? over.accept() : { fate: 'published', ids: ['an-id'] };
      },
      deadLetter: async (letter) => {
        if (over.deadLetter) await over.deadLetter();
        letters.push(letter);
      },
    },
    ackMode: 'original',
    nhsNumber: { withoutStatus: 'verified' },
    processingIds: new Set(['P']),
    shieldingMark: { segment: 'ZU8', field: 3 },
    safeguard: () => [],
    contact: () => ({ organisation: 'Westshire NHS Trust' }),
    now: () => AT,
    log: createLogger('test', 'silent'),
    metrics,
  });
  const code = async (one: Frame, silent = false) => {
    const { answer, next } = await handle({ frame: one, silent });
    return { next, ...(answer && { ...readAcknowledgement(answer) }) };
  };
  return { accepted, letters, metrics, handle, code };
};

const message = (content: Buffer | string): Frame => ({
  kind: 'message',
  content: Buffer.isBuffer(content) ? content : Buffer.from(content),
});

describe('intake of messages', () => {
  it('keeps what a message says of a shielded address also where the rest cannot be translated', async () => {
    const { accepted, letters, code } = arrange();
    const lines = [
      'MSH|^~\\&|PAS|RWX|TIE|RWX|20260305101500||ADT^A01|M1|P|2.4',
      'PID|1||T1^^^RWX^HOSP||A^B',
      'PV1|1|I|Ward 7',
      'ZU8|||Y',
    ];
    assert.equal((await code(message(lines.join('\r')))).code, 'AA');
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['no-visit-number'],
    );
    assert.deepEqual(
      accepted.map(({ facts }) => facts),
      [[]],
    );
  });

  it('answers every sample message with AA', async () => {
    const { code, accepted, letters } = arrange();
    for (const { raw } of fixtureMessages()) assert.equal((await code(message(raw))).code, 'AA');
    assert.equal(accepted.length, fixtureMessages().length);
    assert.deepEqual(letters, []);
  });

  it('gives a message that is sent again the same identity and content, though its time is another', async () => {
    const { code, accepted } = arrange();
    const raw = admission('C1').toString();
    await code(message(raw));
    await code(message(raw.replace(/^(MSH(\|[^|]*){5}\|)[^|]*/, '$120260305235959+0000')));
    const [first, second] = accepted.map(({ identity, content }) => ({
      identity,
      content: content.toString(),
    }));
    assert.deepEqual(first, second);
    assert.notDeepEqual(accepted[0]?.raw, accepted[1]?.raw);
    assert.deepEqual(first?.identity, ['SYNTHPAS', 'RWX', 'C1', 'A01']);
  });

  it('answers AE, and holds what follows, while nothing can be kept', async () => {
    const { code } = arrange({ accept: away });
    const answer = await code(message(admission('C1')));
    assert.deepEqual([answer.code, answer.controlId, answer.next], ['AE', 'C1', 'hold']);
  });

  it('keeps a faulty message as a dead letter and answers AA, or AE while it cannot be kept', async () => {
    const raw = admission('C1').toString().replace('PID|', 'ZID|');
    const { code, letters } = arrange();
    assert.equal((await code(message(raw))).code, 'AA');
    assert.deepEqual(
      letters.map(({ reason, raw: kept }) => [reason, String(kept)]),
      [['no-patient-segment', raw]],
    );
    assert.equal((await arrange({ deadLetter: away }).code(message(raw))).code, 'AE');
  });

  it('answers AR without a readable header, and keeps the bytes', async () => {
    const { code, letters } = arrange();
    const answer = await code(message('PID|1||X'));
    assert.deepEqual([answer.code, answer.controlId, answer.next], ['AR', '', 'go-on']);
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['no-header'],
    );
    assert.equal((await code(message(''))).code, 'AR');
    assert.equal(letters.length, 1);
  });

  it('refuses a message above the limit, keeps what it has and hangs up', async () => {
    const { code, letters } = arrange();
    const head = admission('C1');
    const answer = await code({ kind: 'oversize', head, length: 20_000_000, sha256: 'abc' });
    assert.deepEqual([answer.code, answer.controlId, answer.next], ['AR', 'C1', 'close']);
    assert.deepEqual(letters[0]?.whole, { length: 20_000_000, sha256: 'abc' });
  });

  it('keeps half a message, and says so where the sender fell silent', async () => {
    const { code, letters } = arrange();
    const half: Frame = { kind: 'cut-short', content: admission('C1').subarray(0, 90) };
    assert.deepEqual(await code(half), { next: 'go-on' });
    assert.equal((await code(half, true)).code, 'AE');
    assert.equal((await code({ kind: 'outside-frame', content: Buffer.from('GET /') }, true)).code, 'AR');
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['cut-short', 'cut-short', 'outside-frame'],
    );
  });

  it('takes the messages of a batch one by one, and answers for the worst of them', async () => {
    const { code, accepted } = arrange();
    const batch = Buffer.concat([
      Buffer.from('BHS|^~\\&\r'),
      admission('C1'),
      admission('C2'),
      Buffer.from('BTS|2\r'),
    ]);
    const answer = await code(message(batch));
    assert.deepEqual([answer.code, answer.controlId], ['AA', 'C1']);
    assert.deepEqual(
      accepted.map(({ identity }) => identity[2]),
      ['C1', 'C2'],
    );
    assert.equal((await arrange({ accept: away }).code(message(batch))).code, 'AE');
  });

  it('counts each message under what became of it, with the reason', async () => {
    const { code, metrics } = arrange();
    await code(message(admission('C1')));
    await code(message('MSH|^~\\&|A|B|||20240305||SIU^S12|1|P|2.4'));
    await code(message('nothing'));
    const text = await metrics.text();
    assert.match(text, /source_messages_total\{[^}]*outcome="published",reason="none"[^}]*\} 1/);
    assert.match(text, /source_messages_total\{[^}]*outcome="ignored",reason="not-adt"[^}]*\} 1/);
    assert.match(text, /source_messages_total\{[^}]*outcome="refused",reason="no-header"[^}]*\} 1/);
  });

  it('survives any bytes and never loses the good message behind them', async () => {
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(noise, noise, async (before, inside) => {
        const { accepted, handle } = arrange();
        const framer = createFramer(10_000);
        const closing = Buffer.from([0x1c, 0x0d]);
        const good = admission('GOOD');
        for (const chunk of [before, frame(inside), closing, frame(good)]) {
          for (const found of framer.push(chunk)) await handle({ frame: found, silent: false });
        }
        assert.deepEqual(accepted.at(-1)?.raw, good);
      }),
    );
  });
});
