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
      'MSH|^~\\&|B\rBTS|2\rFTS|1\r',
    ]);
  });

  it('does not take the word inside a field for a header', () => {
    assert.deepEqual(parts('MSH|^~\\&|A\rOBX|1|see MSH|2\r'), ['MSH|^~\\&|A\rOBX|1|see MSH|2\r']);
  });

  it('hands on what is neither', () => {
    assert.deepEqual(parts('FHS|^~\\&\rFTS|0\r'), ['FHS|^~\\&\rFTS|0\r']);
    assert.deepEqual(parts(''), ['']);
  });
});
