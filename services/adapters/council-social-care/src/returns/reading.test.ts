import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dateOf } from './dates.ts';
import { type Item, itemsOf, lookOver } from './file.ts';
import { createTally, type Receipt } from './receipt.ts';
import type { Case } from './stated.ts';
import { caseFile, fixture, fixtureSums } from './testing.ts';

const TODAY = '2026-11-24';

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

type Everything = { items: Item[]; refused: string | undefined; receipt: Receipt };

const read = async (content: Buffer | string, length = 65_536): Promise<Everything> => {
  const bytes = Buffer.from(content);
  const tally = createTally();
  const items: Item[] = [];
  const { receipt } = tally;
  try {
    const looks = await lookOver(inPieces(bytes, length));
    for await (const item of itemsOf(looks, inPieces(bytes, length), tally, TODAY)) items.push(item);
    return { items, refused: undefined, receipt };
  } catch (error) {
    assert.equal((error as Error).constructor.name, 'FileRefused');
    return { items, refused: (error as Error).message, receipt };
  }
};

const casesOf = ({ items }: Everything): string[] =>
  items.flatMap(({ cases, child }) =>
    [...cases, ...(child ? [child] : [])].map((one) => JSON.stringify(one)),
  );

const withoutEnd = (one: string): string => JSON.stringify({ ...JSON.parse(one), end: undefined });

const firstLines = (file: string, count: number): Buffer =>
  Buffer.from(`${fixture(file).toString().split('\n').slice(0, count).join('\n')}\n`);

describe('reading returns', () => {
  it('has the samples as they were published', () => {
    for (const [file, sum] of fixtureSums())
      assert.equal(createHash('sha256').update(fixture(file)).digest('hex'), sum, file);
  });

  it('cut after any byte, says nothing that the whole file does not say, and everything of the rows that are whole', async () => {
    for (const bytes of [
      firstLines('episodes.csv', 12),
      firstLines('header.csv', 8),
      firstLines('missing.csv', 10),
    ]) {
      const whole = casesOf(await read(bytes));
      for (let end = 0; end <= bytes.length; end += 1) {
        const cut = casesOf(await read(bytes.subarray(0, end)));
        const lines = bytes.subarray(0, end).toString().split('\n').length - 2;
        assert.ok(cut.length >= lines, `${cut.length} of ${lines} after ${end} bytes`);
        // Where the last date is cut away, the row does not say whether there was one.
        for (const [index, one] of cut.entries())
          assert.ok(
            one === whole[index] || one === withoutEnd(whole[index] ?? ''),
            `${one} after ${end} bytes`,
          );
      }
    }
  });

  it('cut after any byte, has each child of a census that is whole, and no part of one that is not', async () => {
    const bytes = fixture('CIN_Census_2024.xml');
    const whole = casesOf(await read(bytes));
    for (let end = 0; end <= bytes.length; end += 1) {
      const cut = await read(bytes.subarray(0, end), 2_500);
      const closed = bytes.subarray(0, end).toString().split('</Child>').length - 1;
      assert.equal(cut.items.filter(({ problems }) => problems.length === 0).length, closed);
      assert.deepEqual(casesOf(cut), whole.slice(0, [0, 3, 4][closed]));
    }
  });

  const COLUMNS = [
    'CHILD',
    'DECOM',
    'RNE',
    'LS',
    'PLACE',
    'PLACE_PROVIDER',
    'DEC',
    'REC',
    'PL_POST',
    'URN',
    'Note',
  ];
  const two = (number: number) => String(number).padStart(2, '0');
  const aRow = fc.record({
    CHILD: fc.stringMatching(/^[A-Za-z0-9]{1,10}$/).filter((id) => !/^\d+E\d+$/i.test(id)),
    DECOM: fc.tuple(
      fc.integer({ min: 1, max: 28 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1990, max: 2024 }),
    ),
    RNE: fc.constantFrom('S', 'L', 'P', ''),
    LS: fc.constantFrom('C2', 'V2', 'J1', ''),
    PLACE: fc.constantFrom('U1', 'K2', ''),
    PLACE_PROVIDER: fc.constantFrom('PR1', 'PR0', ''),
    DEC: fc.constantFrom('', '25/12/2025', '26/11/2025'),
    REC: fc.constantFrom('X1', 'E4A', ''),
    PL_POST: fc.constantFrom('', 'WE4 5TS', 'nowhere'),
    URN: fc.stringMatching(/^\d{0,7}$/),
    Note: fc.constantFrom('', 'plain', 'a, b; c\td|e', 'said "yes"', 'two\nlines', 'é – ”'),
  });
  const aFile = fc.record({
    rows: fc.array(aRow, { maxLength: 8 }),
    order: fc.shuffledSubarray(COLUMNS, { minLength: COLUMNS.length }),
    delimiter: fc.constantFrom(',', ';', '\t'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    spelling: fc.constantFrom(
      (name: string) => name,
      (name: string) => name.toLowerCase(),
      (name: string) => ` ${name.replaceAll('_', ' ')} `,
      (name: string) => name.replaceAll('_', ''),
    ),
    iso: fc.boolean(),
    trailing: fc.boolean(),
    emptyLines: fc.boolean(),
    encoding: fc.constantFrom('utf-8', 'utf-8 with mark', 'utf-16le', 'utf-16be', 'windows-1252'),
    piece: fc.integer({ min: 1, max: 70 }),
  });
  type AFile = typeof aFile extends fc.Arbitrary<infer T> ? T : never;

  const textOf = (file: AFile): string => {
    const { order, delimiter, lineEnd } = file;
    const quoted = (value: string) =>
      /["\r\n,;\t|]/.test(value) ? `"${value.replaceAll('"', '""').replaceAll('\n', lineEnd)}"` : value;
    const lines = file.rows.map((row) =>
      order.map((name) => {
        const value = row[name as keyof typeof row];
        if (typeof value === 'string') return quoted(value);
        const [day, month, year] = value;
        return file.iso ? `${year}-${two(month)}-${two(day)}` : `${two(day)}/${two(month)}/${year}`;
      }),
    );
    return [order.map(file.spelling), ...lines]
      .map((cells) => cells.join(delimiter) + (file.trailing ? delimiter : '') + lineEnd)
      .join(file.emptyLines ? lineEnd : '');
  };

  const bytesOf = (text: string, encoding: AFile['encoding']): Buffer => {
    if (encoding === 'utf-8') return Buffer.from(text);
    if (encoding === 'utf-8 with mark') return Buffer.from(`\ufeff${text}`);
    if (encoding === 'utf-16le') return Buffer.from(`\ufeff${text}`, 'utf16le');
    if (encoding === 'utf-16be') return Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
    return Buffer.from(text.replaceAll('–', '\x96').replaceAll('”', '\x94'), 'latin1');
  };

  const expected = (file: AFile): [string, string, string | undefined][] =>
    file.rows.map(({ CHILD, DECOM: [day, month, year], DEC }) => [
      CHILD,
      `${year}-${two(month)}-${two(day)}`,
      DEC ? DEC.split('/').reverse().join('-') : undefined,
    ]);

  it('reads the same rows whatever the order and spelling of columns, separator, quotes, line ends, encoding and pieces', async () => {
    await fc.assert(
      fc.asyncProperty(aFile, async (file) => {
        const { items, refused, receipt } = await read(bytesOf(textOf(file), file.encoding), file.piece);
        assert.equal(refused, undefined);
        assert.deepEqual(
          items.flatMap(({ problems }) => problems),
          [],
        );
        const found = items.flatMap(({ cases }) =>
          cases.map((one) => [one.child.id, one.began, one.end?.date]),
        );
        assert.deepEqual(found, expected(file));
        assert.deepEqual(receipt.ignoredColumns, [file.spelling('Note').trim()]);
        assert.deepEqual(receipt.missingColumns, []);
      }),
      { numRuns: 200 },
    );
  });

  it('says nothing else of any such file that is cut after any byte', async () => {
    await fc.assert(
      fc.asyncProperty(aFile, fc.double({ min: 0, max: 1, noNaN: true }), async (file, share) => {
        const bytes = bytesOf(textOf(file), file.encoding);
        const all = casesOf(await read(bytes));
        const whole = new Set([...all, ...all.map(withoutEnd)]);
        const cut = casesOf(await read(bytes.subarray(0, Math.floor(share * bytes.length)), file.piece));
        for (const one of cut) assert.ok(whole.has(one), one);
      }),
      { numRuns: 400 },
    );
  });

  it('never fails on any bytes: it reads rows or says why not', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
      fc
        .array(
          fc.constantFrom(
            'CHILD,DECOM,LS',
            '\n',
            '"',
            ',',
            '<Child>',
            '</Child>',
            '<',
            '>',
            '&x;',
            '\0',
            'A1,01/02/2026,C2',
            '<Message>',
            '<Children>',
            '<!--',
            ']]>',
            '<![CDATA[',
            '<LAchildID>',
            '\r',
          ),
          {
            maxLength: 40,
          },
        )
        .map((parts) => Buffer.from(parts.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        const { items, refused } = await read(Buffer.from(bytes), 13);
        assert.ok(items.length > 0 || refused !== undefined || bytes.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  const DATES: [string, string | undefined][] = [
    ['15/02/2016', '2016-02-15'],
    ['5/2/2016', '2016-02-05'],
    ['15/02/16', '2016-02-15'],
    ['15/02/98', '1998-02-15'],
    ['2016-02-15', '2016-02-15'],
    ['2016-02-15T00:00:00', '2016-02-15'],
    ['2016-02-15 00:00:00.000', '2016-02-15'],
    ['15/02/2016 00:00', '2016-02-15'],
    ['15-Feb-2016', '2016-02-15'],
    ['20160215', '2016-02-15'],
    ['02/15/2016', undefined],
    ['30/02/2016', undefined],
    ['2016-02', undefined],
    ['15022016', undefined],
    ['42415', undefined],
    ['', undefined],
  ];
  for (const [written, date] of DATES)
    it(`reads the date ${JSON.stringify(written)} as ${date ?? 'none'}`, () =>
      assert.equal(dateOf(written, TODAY), date));

  const REFUSED: [string, Buffer | string, RegExp][] = [
    ['a workbook', Buffer.from('PK\x03\x04rest', 'latin1'), /workbook/],
    ['an empty file', '', /empty/],
    ['bytes that are no text', Buffer.from([0x43, 0x00, 0x00, 0x00, 0x41]), /not text/],
    ['another table', 'name,phone\nx,y\n', /column names/],
    ['episodes without their date', 'CHILD,RNE,LS,PLACE\nA,S,C2,U1\n', /lacks the column DECOM/],
    ['episodes without children', 'DECOM,RNE,LS,PLACE\n01/02/2026,S,C2,U1\n', /lacks the column CHILD/],
    [
      'dates with the month first',
      'CHILD,DECOM,LS\nA,11/05/2026,C2\nB,10/13/2026,C2\n',
      /line 3 has its month first/,
    ],
    ['SSDA903 in XML', '<SSDA903><Child/></SSDA903>', /CSV/],
    ['a column twice', 'CHILD,DECOM,DECOM\nA,01/02/2026,01/02/2026\n', /DECOM is there twice/],
    ['a document with a DOCTYPE', '<!DOCTYPE m [<!ENTITY x "y">]><Message><Children/></Message>', /DOCTYPE/],
    ['another XML document', '<html><body/></html>', /not a Children in need census/],
    [
      'another collection',
      '<Message><Header><CollectionDetails><Collection>SC</Collection>',
      /another collection/,
    ],
  ];
  for (const [what, content, why] of REFUSED)
    it(`refuses ${what}, and says why`, async () => assert.match((await read(content)).refused ?? '', why));

  it('refuses only the rows whose characters are damaged or in another encoding than the rest', async () => {
    for (const damaged of [0xe9, 0x81, 0x00, 0xc3]) {
      const bytes = Buffer.concat([
        Buffer.from('CHILD,DECOM,LS,Né\nA,01/02/2026,C2,é\nB,01/02/2026,C2,'),
        Buffer.from([damaged]),
        Buffer.from('\nC,01/02/2026,C2,ü\n'),
      ]);
      const { items, receipt } = await read(bytes);
      assert.deepEqual(
        items.map(({ cases, unread }) => cases[0]?.child.id ?? unread),
        ['A', true, 'C'],
      );
      assert.match(items[1]?.problems.join() ?? '', /characters/);
      assert.equal(receipt.file.encoding, 'utf-8');
    }
  });

  it('reads a census whose label of the encoding is not known, and says so', async () => {
    const { items, receipt } = await read(census(...many(2)).replace('?>', ' encoding="utf-7"?>'));
    assert.equal(items.length, 2);
    assert.deepEqual(receipt.faults, ['it declares an encoding that is not read: save it as UTF-8']);
    assert.equal(receipt.complete, false);
  });

  it('keeps a row whose code is a local word, with that value unknown', async () => {
    const { items } = await read('CHILD,DECOM,RNE,LS,PLACE\nA,05/11/2026,S,Section 20,FOSTER1\n');
    assert.deepEqual(items[0]?.cases[0]?.start, { reason: 'S', legalStatus: null, placement: null });
    assert.match(items[0]?.notes.join() ?? '', /LS has a code that the return does not list/);
    const plan = child(
      'P',
      '',
      '<ChildProtectionPlans><CPPstartDate>2026-03-01</CPPstartDate><InitialCategoryOfAbuse>Neglect</InitialCategoryOfAbuse></ChildProtectionPlans>',
    );
    const found = await read(census(plan));
    assert.deepEqual(found.items[0]?.problems, ['CINreferralDate is missing']);
    assert.equal(found.items[0]?.cases[0]?.start.category, null);
    assert.match(found.items[0]?.notes.join() ?? '', /InitialCategoryOfAbuse/);
  });

  it('knows the file of deprivation of liberty orders, of which nothing is told', async () => {
    const { items, receipt, refused } = await read(
      'CHILD,DOB,DOLO_START,DOLO_END\nA,01/02/2012,01/02/2026,\n',
    );
    assert.equal(refused, undefined);
    assert.equal(receipt.kind, 'ssda903-dolo');
    assert.deepEqual(items[0]?.problems, []);
  });

  it('tells every row of a return that a cut, changed or inserted byte does not touch, and none twice', async () => {
    const samples = ['episodes.csv', 'missing.csv'].map((file) => firstLines(file, 12).toString());
    const damage = fc.record({
      text: fc.constantFrom(...samples),
      where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      how: fc.constantFrom('cut', 'change', 'insert'),
      byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from(',;"\n\r\t /-0'))),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ text, where, how, byte }) => {
        const bytes = Buffer.from(text);
        const first = text.indexOf('\n') + 1;
        const at = first + Math.floor(where * (bytes.length - first));
        const damaged = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(how === 'cut' ? [] : [byte]),
          bytes.subarray(how === 'insert' ? at : at + 1),
        ]);
        const whole = casesOf(await read(bytes));
        const { items, refused } = await read(damaged, 97);
        assert.equal(refused, undefined);
        const told = items.flatMap(({ cases }) => cases.map((one) => JSON.stringify(one)));
        const row = text.slice(first, at).split('\n').length - 1;
        const touched = text[at] === '\n' || how === 'insert' ? [row - 1, row, row + 1] : [row];
        for (const [index, one] of whole.entries())
          if (!touched.includes(index)) assert.equal(told.filter((other) => other === one).length, 1, one);
        assert.ok(told.length <= whole.length);
        const unread = items.some((item) => item.unread);
        if (told.length < whole.length) assert.ok(items.some(({ problems }) => problems.length > 0));
        if (items.length < whole.length) assert.ok(unread);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes placeholder dates for no date, and tells no end that is ahead', async () => {
    const { items, receipt } = await read(
      'CHILD,DECOM,RNE,LS,DEC,REC\nA,05/11/2026,S,C2,31/12/9999,\nB,05/11/2026,S,C2,01/01/1900,\n' +
        'C,01/01/1900,S,C2,,\nD,05/11/2026,S,C2,20/12/2026,E4A\n',
    );
    assert.deepEqual(
      items.map(({ cases }) => cases.map(({ end }) => end)),
      [[null], [null], [], [null]],
    );
    assert.equal(items[2]?.problems[0], 'DECOM is empty or a placeholder');
    assert.match(items[3]?.notes.join() ?? '', /DEC is ahead/);
    assert.equal(receipt.complete, true);
  });

  const child = (id: string, more = '', details = '<CINreferralDate>2026-01-02</CINreferralDate>') =>
    `<Child><ChildIdentifiers><LAchildID>${id}</LAchildID>${more}</ChildIdentifiers><CINdetails>${details}</CINdetails></Child>`;
  const census = (...children: string[]) =>
    `<?xml version="1.0"?>\n<Message><Children>${children.join('\n')}</Children></Message>`;
  const kindsOf = ({ items }: Everything) =>
    items.map(({ cases, problems }) =>
      problems.length > 0 ? 'refused' : cases.map((one: Case) => one.kind).join(' '),
    );

  it('gives up a child that is broken and reads on at the next one', async () => {
    const broken = [
      child('B').replace('</LAchildID>', '</LAchildId'),
      child('B', '<UPN>&unknown;</UPN>'),
      child('B', '<a></b>'),
      child('B', '<a'),
      child('B').replace('</Child>', ''),
      child('').replace('<LAchildID></LAchildID>', ''),
      child('B', '<PersonBirthDate>31/02/2020</PersonBirthDate>'),
      child('B', '\u0001'),
    ];
    for (const one of broken)
      for (const length of [1, 50, 65_536]) {
        const found = await read(census(child('A'), one, child('C'), child('D')), length);
        assert.deepEqual(
          kindsOf(found),
          ['safeguarding-referral', 'refused', 'safeguarding-referral', 'safeguarding-referral'],
          one,
        );
      }
  });

  const many = (count: number) =>
    Array.from({ length: count }, (_, at) => child(`K${at}`, '<Surname>Smith and Jones</Surname>'));

  it('loses only the broken child where what would end its fault is in a later one', async () => {
    const children = many(40);
    children[4] = child('K4', '<Surname>Smith & Jones</Surname>');
    children[30] = child('K30', '<Surname>A &amp; B</Surname>');
    for (const length of [1, 50, 65_536]) {
      const found = await read(census(...children), length);
      assert.deepEqual(
        found.items.flatMap(({ cases }) => cases.map((one) => one.child.id)),
        children.flatMap((_, at) => (at === 4 ? [] : [`K${at}`])),
      );
      assert.match(found.items[4]?.problems.join() ?? '', /line 6, character \d+: write & as &amp;/);
    }
  });

  it('loses no child by a fault in the heading, and names the fault', async () => {
    const heading = '<Header><SoftwareCode>Smith & Co</SoftwareCode></Header><Children>';
    const { items, receipt } = await read(census(...many(3)).replace('<Children>', heading));
    assert.equal(items.length, 3);
    assert.equal(receipt.complete, false);
    assert.match(receipt.faults.join(), /before the first child \(line 2/);
  });

  it('loses no child of a real heading with a fault, and tells no end that is ahead', async () => {
    const heading = await read(caseFile('x12b.xml'));
    const children = caseFile('x12b.xml').toString().split('<Child>').length - 1;
    assert.equal(heading.items.filter(({ cases }) => cases.length > 0).length, children);
    assert.match(heading.receipt.faults.join(), /line \d+, character \d+: write & as &amp;/);
    const ahead = await read(caseFile('c09b.csv'));
    assert.deepEqual(
      ahead.items.flatMap(({ cases }) => cases.map(({ end }) => end)),
      [null],
    );
  });

  it('tells every child that a cut, changed or inserted byte does not touch, and none twice', async () => {
    const children = many(6);
    const text = census(...children);
    const starts = children.map((one) => text.indexOf(one));
    const whole = casesOf(await read(text));
    const change = fc.record({
      at: fc.integer({ min: text.indexOf('<Children>'), max: text.length - 1 }),
      how: fc.constantFrom('cut', 'change', 'insert'),
      byte: fc.constantFrom(...'<>&/!?-"\'[]xz \n'),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, how, byte }) => {
        const damaged =
          text.slice(0, at) + (how === 'cut' ? '' : byte) + text.slice(how === 'insert' ? at : at + 1);
        const { items, receipt, refused } = await read(damaged, 97);
        assert.equal(refused, undefined);
        const told = items.flatMap(({ cases }) => cases.map((one) => JSON.stringify(one)));
        for (const [index, start] of starts.entries())
          if (at < start || at > start + (children[index]?.length ?? 0))
            assert.equal(told.filter((one) => one === whole[index]).length, 1, damaged);
        if (told.length < 6 && receipt.complete)
          assert.ok(
            items.some(({ problems }) => problems.length > 0),
            damaged,
          );
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads namespaces, prefixes, CDATA and forms of other years', async () => {
    const text = census(child('<![CDATA[A]]>'), child('B', '<GenderCurrent>2</GenderCurrent>'))
      .replaceAll(/<(\/?)(?=[A-Z])/g, '<$1c:')
      .replace('<c:Message>', '<c:Message xmlns:c="urn:x">')
      .replaceAll('c:[CDATA', '[CDATA');
    const { items } = await read(text);
    assert.deepEqual(
      items.map(({ cases }) => [cases[0]?.child.id, cases[0]?.child.sex]),
      [
        ['A', null],
        ['B', '2'],
      ],
    );
  });

  it('takes no action on a referral for what it is, and a child that is not born for that', async () => {
    const plan = '<ChildProtectionPlans><CPPstartDate>2026-03-01</CPPstartDate></ChildProtectionPlans>';
    const found = await read(
      census(
        child('A', '', '<CINreferralDate>2026-01-02</CINreferralDate><ReferralNFA>true</ReferralNFA>'),
        child(
          'B',
          '<ExpectedPersonBirthDate>2026-12-24</ExpectedPersonBirthDate>',
          `<CINreferralDate>2026-01-02</CINreferralDate>${plan}`,
        ),
      ),
    );
    assert.deepEqual(kindsOf(found), ['', 'safeguarding-referral child-protection-plan']);
    assert.equal(found.items[1]?.cases[1]?.start.unborn, 'yes');
  });
});
