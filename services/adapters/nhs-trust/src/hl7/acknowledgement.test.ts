import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AckAnswer, type AckMode, acknowledgement, controlIds } from './acknowledgement.ts';
import { parseHeader } from './parser.ts';

const own = { controlId: 'CW1', at: new Date('2026-03-05T10:15:00Z') };
const MSH = 'MSH|^~\\&|PAS|RWX|TIE|ROUTE|20240305102000||ADT^A01^ADT_A01|C1|T|2.4';

const answered = (msh: string | undefined, answer: AckAnswer, mode: AckMode = 'original') =>
  acknowledgement(msh === undefined ? undefined : parseHeader(Buffer.from(msh, 'latin1')), mode, answer, own)
    ?.toString('latin1')
    .split('\r');

describe('acknowledgement', () => {
  it('mirrors the header: sender and receiver change places, the rest is repeated', () => {
    assert.deepEqual(answered(MSH, { verdict: 'accepted' }), [
      'MSH|^~\\&|TIE|ROUTE|PAS|RWX|20260305101500+0000||ACK^A01|CW1|T|2.4',
      'MSA|AA|C1',
      '',
    ]);
  });

  it("uses the sender's own delimiters and repeats its bytes unchanged", () => {
    const [msh, msa] =
      answered('MSH#*+!%#P\xe9#F#T#G#2024##ADT*A01#C\xe9#P#2.4', { verdict: 'accepted' }) ?? [];
    assert.equal(msh, 'MSH#*+!%#T#G#P\xe9#F#20260305101500+0000##ACK*A01#CW1#P#2.4');
    assert.equal(msa, 'MSA#AA#C\xe9');
  });

  it('says what is wrong with a code in the form of the version', () => {
    const refused: AckAnswer = { verdict: 'unavailable', reason: 'send it again' };
    assert.deepEqual(answered(MSH, refused)?.slice(1, 3), ['MSA|AE|C1|send it again', 'ERR|^^^207']);
    assert.deepEqual(answered(MSH.replace(/2\.4$/, '2.5.1'), refused)?.slice(1, 3), [
      'MSA|AE|C1|send it again',
      'ERR|||207^Application internal error^HL70357|W||||send it again',
    ]);
  });

  it('says what to do in 80 characters at most and without a delimiter of the sender', () => {
    for (const reason of ['no-header', 'too-large', 'cut-short', 'outside-frame']) {
      const msa = answered('MSH:,~\\&:PAS', { verdict: 'rejected', reason })?.[1] ?? '';
      const [name, code, , text = '', ...more] = msa.split(':');
      assert.deepEqual([name, code, more], ['MSA', 'AR', []]);
      assert.ok(text.startsWith(`${reason}  `) && text.length <= 80 && !text.includes(','), text);
    }
  });

  it('can answer where there is no header to mirror', () => {
    assert.deepEqual(answered(undefined, { verdict: 'rejected', reason: 'no-header' }), [
      'MSH|^~\\&|CAUSEWAY||||20260305101500+0000||ACK|CW1|P|2.4',
      'MSA|AR||no-header: the frame does not begin with a readable MSH, correct the sender',
      'ERR|^^^100',
      '',
    ]);
  });

  it('uses the commit codes in enhanced mode', () => {
    const codes = (['accepted', 'unavailable', 'rejected'] as const).map(
      (verdict) => answered(MSH, { verdict }, 'enhanced')?.[1],
    );
    assert.deepEqual(codes, ['MSA|CA|C1', 'MSA|CE|C1', 'MSA|CR|C1']);
  });

  it('answers in enhanced mode only what the sender wants answered', () => {
    const wanted = (accept: string, verdict: AckAnswer['verdict']) =>
      answered(`${MSH}|||${accept}`, { verdict }, 'enhanced') !== undefined;
    assert.deepEqual(
      ['AL', 'NE', 'ER', 'SU', ''].map((accept) => [wanted(accept, 'accepted'), wanted(accept, 'rejected')]),
      [
        [true, true],
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ],
    );
    assert.notEqual(answered(`${MSH}|||NE`, { verdict: 'accepted' }), undefined);
  });

  it('answers with an application acknowledgement where only that is wanted', () => {
    const code = (accept: string, application: string) =>
      answered(`${MSH}|||${accept}|${application}`, { verdict: 'accepted' }, 'enhanced')?.[1]?.slice(4, 6);
    assert.deepEqual(
      [code('NE', 'AL'), code('ER', 'SU'), code('NE', 'ER'), code('NE', 'NE'), code('AL', 'AL')],
      ['AA', 'AA', undefined, undefined, 'CA'],
    );
  });

  it('makes control ids of its own that are short and never the same', () => {
    const next = controlIds(new Date());
    const ids = Array.from({ length: 1000 }, next);
    assert.equal(new Set(ids).size, 1000);
    assert.ok(ids.every((id) => id.length <= 20));
  });
});
