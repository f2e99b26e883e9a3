import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DELETED, header, type Message, parseMessage, segment, text, value } from './parser.ts';

const parsed = (raw: string | Buffer): Message => {
  const result = parseMessage(Buffer.isBuffer(raw) ? raw : Buffer.from(raw, 'utf8'));
  assert.equal(result.kind, 'message');
  if (result.kind !== 'message') throw new Error('unreachable');
  return result.message;
};

const MSH = 'MSH|^~\\&|APP|FAC|TO|THERE|20240102030405||ADT^A01^ADT_A01|ID1|P|2.4';
const message = (line: string, msh = MSH): Message => parsed(`${msh}\r${line}\r`);
const at = (line: string, field: number, place = {}, msh = MSH) => {
  const found = message(line, msh);
  return value(found, segment(found, line.slice(0, 3)), field, place);
};

describe('HL7 v2 parser', () => {
  it('numbers the fields of MSH so that MSH-1 is the separator itself', () => {
    const found = message('EVN|A01');
    assert.equal(text(found, header(found), 3), 'APP');
    assert.equal(text(found, header(found), 9, { component: 2 }), 'A01');
    assert.equal(text(found, header(found), 10), 'ID1');
  });

  it('takes the delimiters from the header', () => {
    const found = parsed('MSH#*+!%#APP#FAC\rZZZ#one*two+three*four%sub\r');
    const zzz = segment(found, 'ZZZ');
    assert.equal(text(found, zzz, 1, { component: 2 }), 'two');
    assert.equal(text(found, zzz, 1, { repetition: 1, component: 2, subcomponent: 2 }), 'sub');
  });

  it('reads headers that declare fewer or more delimiters than four', () => {
    assert.equal(at('ZZZ|a&b~c', 1, {}, 'MSH|^|APP'), 'a&b~c');
    assert.equal(at('ZZZ|a^b', 1, { component: 2 }, 'MSH|^~\\&#|APP'), 'b');
  });

  it('tells a deleted value from an empty one', () => {
    assert.equal(at('ZZZ|""|', 1), DELETED);
    assert.equal(at('ZZZ|""|', 2), undefined);
    assert.equal(at('ZZZ|""|', 9), undefined);
    assert.equal(at('ZZZ|a^""', 1, { component: 2 }), DELETED);
  });

  it('resolves escape sequences', () => {
    assert.equal(at('ZZZ|a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f', 1), 'a|b^c&d~e\\f');
    assert.equal(at('ZZZ|one\\.br\\two', 1), 'one\ntwo');
    assert.equal(at('ZZZ|\\H\\bold\\N\\', 1), 'bold');
    assert.equal(at('ZZZ|a\\Z01\\b\\C2842\\c\\MFFFFFF\\d', 1), 'abcd');
    assert.equal(at('ZZZ|caf\\XE9\\', 1, {}, `${MSH}||||||8859/1`), 'café');
    assert.equal(at('ZZZ|caf\\XC3A9\\', 1, {}, `${MSH}||||||UNICODE UTF-8`), 'café');
  });

  it('leaves text that only looks like an escape sequence as it is', () => {
    assert.equal(at('ZZZ|C:\\temp\\new', 1), 'C:\\temp\\new');
    assert.equal(at('ZZZ|ends with \\', 1), 'ends with \\');
  });

  for (const [name, end] of Object.entries({ CR: '\r', LF: '\n', CRLF: '\r\n' })) {
    it(`reads lines that end with ${name}`, () => {
      const found = parsed(Buffer.from([MSH, 'EVN|A01', '', 'PID|1||X', ''].join(end)));
      assert.deepEqual(
        found.segments.map((one) => one.name),
        ['MSH', 'EVN', 'PID'],
      );
      assert.equal(text(found, segment(found, 'PID'), 3), 'X');
    });
  }

  it('keeps a line feed that stands inside a field of a message whose lines end with CR', () => {
    assert.equal(at('OBX|one\ntwo', 1), 'one\ntwo');
  });

  it('reads lines of text inside a field, and line ends of several kinds in one message', () => {
    const found = parsed(`${MSH}\rEVN|A01\nNTE|1||first line\rsecond line\r\nthird\r\nPID|1||X\n\rBTS\r`);
    assert.deepEqual(
      found.segments.map(({ name }) => name),
      ['MSH', 'EVN', 'NTE', 'PID', 'BTS'],
    );
    assert.equal(text(found, segment(found, 'NTE'), 3), 'first line\rsecond line\r\nthird');
    assert.equal(text(found, segment(found, 'PID'), 3), 'X');
  });

  it('skips a byte order mark and blank lines in front', () => {
    assert.equal(text(parsed(`\ufeff\r\n${MSH}`), { name: 'X', fields: ['X', 'y'] }, 1), 'y');
  });

  it('decodes by the declared character set', () => {
    const line = (charset: string, bytes: number[]) =>
      parsed(Buffer.concat([Buffer.from(`${MSH}||||||${charset}\rZZZ|`), Buffer.from(bytes)]));
    const decoded = (charset: string, bytes: number[]) => {
      const found = line(charset, bytes);
      return text(found, segment(found, 'ZZZ'), 1);
    };
    assert.equal(decoded('8859/1', [0xe9]), 'é');
    assert.equal(decoded('8859/15', [0xa4]), '€');
    assert.equal(decoded('WINDOWS-1252', [0x92]), '’');
    assert.equal(decoded('UNICODE UTF-8', [0xc3, 0xa9]), 'é');
    assert.equal(decoded('', [0xc3, 0xa9]), 'é');
    assert.equal(decoded('', [0xe9]), 'é');
    assert.equal(decoded('ASCII', [0xe9]), 'é');
  });

  it('takes a label that the bytes contradict for a wrong one', () => {
    const decoded = (charset: string, bytes: number[]) => {
      const raw = Buffer.concat([Buffer.from(`${MSH}||||||${charset}\rZZZ|`), Buffer.from(bytes)]);
      const found = parsed(raw);
      return text(found, segment(found, 'ZZZ'), 1);
    };
    assert.equal(decoded('UNICODE UTF-8', [0xe9]), 'é');
    assert.equal(decoded('8859/1', [0xc3, 0xa9]), 'é');
    assert.equal(decoded('8859/1~UNICODE UTF-8', [0x93]), '“');
    assert.equal(decoded('GBR', [0x41]), 'A');
  });

  it('says why a message cannot be decoded, and still knows its header', () => {
    const withText = (charset: string, bytes: number[]) =>
      parseMessage(Buffer.concat([Buffer.from(`${MSH}||||||${charset}\rZZZ|`), Buffer.from(bytes)]));
    const undefinedByte = withText('8859/7', [0xff]);
    assert.ok(undefinedByte.kind === 'undecodable' && undefinedByte.reason === 'not-in-character-set');
    assert.equal(text(undefinedByte.header, header(undefinedByte.header), 10), 'ID1');
    for (const unknown of [withText('KLINGON', [0xe9]), withText('UNICODE UTF-16', [0x41])])
      assert.ok(unknown.kind === 'undecodable' && unknown.reason === 'unsupported-character-set');
  });

  it('gives the content as the bytes behind the header, unchanged', () => {
    assert.deepEqual(message('EVN|A01').content, Buffer.from('\rEVN|A01\r'));
  });

  for (const raw of [
    '',
    'MSH',
    'MSH|',
    'MSHA^~\\&',
    'MSH|||APP',
    'PID|1',
    'MSH|^^\\&|',
    'GET / HTTP/1.1\r\n',
  ]) {
    it(`finds no header in ${JSON.stringify(raw)}`, () => {
      assert.equal(parseMessage(Buffer.from(raw)).kind, 'no-header');
    });
  }

  it('never throws, whatever the bytes', () => {
    const start = fc.constantFrom(
      '',
      'MSH|^~\\&|',
      'MSH|^~\\&|A|B|||||ADT^A01|1|P|2.4||||||UNICODE UTF-8|\r',
      'MSH#',
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
        const result = parseMessage(Buffer.concat([Buffer.from(head), tail]));
        if (result.kind !== 'message') return;
        for (const one of result.message.segments) {
          for (let field = 0; field < one.fields.length; field += 1) value(result.message, one, field);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives back any text that was written with escapes', () => {
    const escaped = (plain: string) =>
      plain.replace(
        /[\\|^~&]/g,
        (mark) => `\\${{ '\\': 'E', '|': 'F', '^': 'S', '~': 'R', '&': 'T' }[mark]}\\`,
      );
    const plain = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((one) => one.replace(/[\r\n]/g, ' ').trim())
      .filter((one) => one !== '' && one !== '""' && one.isWellFormed());
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), (values) => {
        const found = message(`ZZZ|${values.map(escaped).join('^')}`);
        const read = values.map((_, index) =>
          text(found, segment(found, 'ZZZ'), 1, { component: index + 1 }),
        );
        assert.deepEqual(read, values);
      }),
    );
  });
});
