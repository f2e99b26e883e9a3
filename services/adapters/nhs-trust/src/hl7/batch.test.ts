import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { messagesIn } from './batch.ts';

const parts = (content: string): string[] => messagesIn(Buffer.from(content)).map(String);

describe('messages of a frame', () => {
  it('leaves one message as it is', () => {
    assert.deepEqual(parts('\r\nMSH|^~\\&|A\rPID|1\r'), ['\r\nMSH|^~\\&|A\rPID|1\r']);
  });

  it('takes several messages apart', () => {
    assert.deepEqual(parts('MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rPID|2\r'), [
      'MSH|^~\\&|A\rPID|1\r',
      'MSH|^~\\&|B\rPID|2\r',
    ]);
  });

  it('takes a batch out of its envelope', () => {
    assert.deepEqual(parts('FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rBTS|2\rFTS|1\r'), [
      'MSH|^~\\&|A\rPID|1\r',
      'MSH|^~\\&|B\r',
    ]);
  });

  it('takes messages with other delimiters and several batches of one file apart', () => {
    const file = [
      'FHS|^~\\&',
      'BHS|^~\\&',
      'MSH|^~\\&|A',
      'BTS|1',
      'BHS|^~\\&',
      'MSH#*+!%#B',
      'BTS|1',
      'FTS|2',
    ];
    for (const end of ['\r', '\n', '\r\n']) {
      const found = parts(file.join(end)).map((part) => part.trim());
      assert.deepEqual(found, ['MSH|^~\\&|A', 'MSH#*+!%#B']);
    }
  });

  it('takes apart what begins with a byte order mark, a line end or a space', () => {
    for (const start of ['\ufeff', '\n', ' ']) {
      assert.deepEqual(parts(`${start}MSH|^~\\&|A\rMSH|^~\\&|B\r`), ['MSH|^~\\&|A\r', 'MSH|^~\\&|B\r']);
      assert.deepEqual(parts(`${start}FHS|^~\\&\rMSH|^~\\&|A\rFTS|1\r`), ['MSH|^~\\&|A\r']);
    }
  });

  it('finds no message in an empty batch', () => {
    assert.deepEqual(parts('FHS|^~\\&\rBHS|^~\\&\rBTS|0\rFTS|1\r'), []);
  });

  it('does not take the word inside a field for a header', () => {
    assert.deepEqual(parts('MSH|^~\\&|A\rOBX|1|see MSH|2\r'), ['MSH|^~\\&|A\rOBX|1|see MSH|2\r']);
  });

  it('hands on what is neither', () => {
    assert.deepEqual(parts('PID|1\r'), ['PID|1\r']);
    assert.deepEqual(parts(''), ['']);
  });
});
