import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError } from '../errors.ts';
import { createLogger, type Logger } from './log.ts';

const event = 'loop.retrying';

function capture(write: (log: Logger) => void): { text: string; lines: Record<string, unknown>[] } {
  const written: string[] = [];
  write(createLogger('test', 'trace', { write: (line) => void written.push(line) }));
  return { text: written.join(''), lines: written.map((line) => JSON.parse(line)) };
}

test('a line is one JSON object with service, level word and time', () => {
  const { lines } = capture((log) =>
    log.warn({ event: 'loop.retrying', organisation: 'westshire-council' }, 'slow'),
  );
  assert.equal(lines.length, 1);
  const { time, pid, hostname, ...rest } = lines[0] ?? {};
  assert.deepEqual(rest, {
    level: 'warn',
    service: 'test',
    event: 'loop.retrying',
    organisation: 'westshire-council',
    msg: 'slow',
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test('credentials and personal data are removed at any depth, in lists and in child bindings', () => {
  const { text, lines } = capture((log) => {
    log.info(
      { event, password: 'HIDE', a: { b: [{ nhs_number: 'HIDE', 'Set-Cookie': 'HIDE', kept: 'yes' }] } },
      '',
    );
    log.info({ event, person: { anything: 'HIDE' }, req: { headers: { authorization: 'HIDE' } } }, '');
    log.child({ familyName: 'HIDE', topic: 'kept' }).info({ event }, 'child');
    log.info({ event, list: Array.from({ length: 3 }, () => ({ token: 'HIDE' })) }, '');
  });
  assert.doesNotMatch(text, /HIDE/);
  assert.equal(lines.length, 4);
  assert.match(text, /"kept":"yes"/);
  assert.match(text, /"topic":"kept"/);
});

test('of an error only type, code, message, stack and cause are written', () => {
  const cause = Object.assign(new Error('driver'), { detail: 'HIDE', parameters: ['HIDE'] });
  const error = Object.assign(new PermanentError('invalid-data', 'refused', { cause }), { row: 'HIDE' });
  const { text, lines } = capture((log) => {
    log.error({ event, err: error }, 'failed');
    log.debug(error);
    log.error({ event, nested: { problem: error } }, '');
  });
  assert.doesNotMatch(text, /HIDE/);
  for (const line of lines.slice(0, 2)) {
    const { stack, cause: inner, ...rest } = line.err as Record<string, unknown>;
    assert.deepEqual(rest, { type: 'PermanentError', code: 'invalid-data', message: 'refused' });
    assert.match(String(stack), /log\.test/);
    assert.equal((inner as Record<string, unknown>).message, 'driver');
  }
});

test('bytes are shown as their length and cycles do not hang the logger', () => {
  const loop: Record<string, unknown> = { value: Buffer.from('secret bytes') };
  loop.self = loop;
  const { text } = capture((log) => log.info({ event, loop }, ''));
  assert.match(text, /\[12 bytes\]/);
  assert.match(text, /\[too deep\]/);
});
