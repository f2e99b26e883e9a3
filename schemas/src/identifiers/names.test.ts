import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { demographicKey, normaliseFirstName, normaliseName } from './names.ts';

const dateOfBirth = '1979-02-28';
const key = (familyName: string, firstName: string, date = dateOfBirth) =>
  demographicKey({ familyName, firstName, dateOfBirth: date });

test('accents, case, apostrophes, hyphens and spaces are ways of spelling one name', () => {
  const groups = [
    ["O'Brien", 'O’Brien', 'O‘BRIEN', 'o brien', 'OBrien', "O'Brién"],
    ['Smith-Jones', 'Smith Jones', 'Smith–Jones', 'SMITH  JONES', 'SmithJones'],
    ['Ångström', 'Angstrom', 'A\u030angstro\u0308m'],
    ['Łukasz', 'Lukasz'],
    ['Søren', 'Soren'],
    ['Großmann', 'Grossmann'],
    ['d’Ângelo-Müller Ñíguez', 'DANGELO MULLER NIGUEZ'],
  ];
  for (const group of groups) assert.equal(new Set(group.map(normaliseName)).size, 1, group[0]);
});

test('a first name ends at a space or a hyphen, so that further given names make no difference', () => {
  for (const text of [
    'Anne-Marie',
    'Anne Marie',
    'ANNE',
    ' Anne  Marie Louise',
    'Anne\u2010Marie',
    '- Anne',
  ]) {
    assert.equal(normaliseFirstName(text), 'ANNE');
  }
  assert.notEqual(normaliseFirstName('Annemarie'), 'ANNE');
});

test('vowel signs of other scripts tell names apart', () => {
  assert.notEqual(normaliseName('कि'), normaliseName('कु'));
  assert.notEqual(normaliseName('李'), normaliseName('王'));
});

test('who has no full name and date of birth is like nobody', () => {
  assert.ok(key('Exampleton', 'Alda'));
  for (const family of ['', " -' ", 'Unknown', 'NOT KNOWN']) assert.equal(key(family, 'Alda'), undefined);
  for (const first of ['', '-', 'Unknown', 'Not known', 'Baby', 'Twin 1', 'BABY BOY', 'Male']) {
    assert.equal(key('Exampleton', first), undefined, first);
  }
  for (const date of ['', '1979', '1979-02', '1979-02-30', '28/02/1979', '1979-02-28T00:00:00Z']) {
    assert.equal(key('Exampleton', 'Alda', date), undefined, date);
  }
});

const word = fc.stringMatching(/^[A-Z]{2,8}$/).filter((text) => key(text, text) !== undefined);
const familyName = fc
  .array(word, { minLength: 1, maxLength: 3 })
  .filter((words) => key(words.join(' '), 'ALDA') !== undefined);
const ACCENTED: Record<string, string[]> = {
  A: ['Á', 'ä', 'a'],
  E: ['É', 'ë', 'e'],
  O: ['Ø', 'ö', 'o'],
  L: ['Ł', 'l'],
  N: ['Ñ', 'n'],
  S: ['š', 's'],
};

/** The same name as another clerk might type it. */
const spelt = (words: string[], separators: readonly string[]) =>
  fc
    .tuple(
      fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
      fc.array(fc.constantFrom(...separators), { minLength: words.length, maxLength: words.length }),
      fc.boolean(),
    )
    .map(([choices, joints, decomposed]) => {
      let at = 0;
      const letters = (text: string) =>
        [...text].map((letter) => {
          const forms = [letter, letter.toLowerCase(), ...(ACCENTED[letter] ?? [])];
          at += 1;
          return forms[(choices[at % 40] ?? 0) % forms.length];
        });
      const text = words
        .map((part, index) => (index === 0 ? '' : joints[index]) + letters(part).join(''))
        .join('');
      return decomposed ? text.normalize('NFD') : text;
    });

test('spellings of one name agree', () => {
  const person = fc.tuple(familyName, word, fc.array(word, { maxLength: 2 }));
  const spellings = person.chain(([family, first, more]) =>
    fc.tuple(
      fc.constant(key(family.join(''), first)),
      spelt(family, ['', ' ', '-', "'", '’', ' - ', '–']),
      spelt([first, ...more], [' ', '-', '  ', '\u2010']),
    ),
  );
  fc.assert(
    fc.property(spellings, ([expected, family, given]) => {
      assert.ok(expected);
      assert.equal(key(family, given), expected);
    }),
  );
});

test('people who differ in family name, first name or date of birth do not agree', () => {
  const date = fc
    .date({ min: new Date('1900-01-01'), max: new Date('2026-01-01'), noInvalidDate: true })
    .map((day) => day.toISOString().slice(0, 10));
  const person = fc.tuple(
    familyName.map((words) => words.join('')),
    word,
    date,
  );
  // Mostly close relatives: one part differs, the others are the same.
  const pair = fc.tuple(person, person, fc.nat(2)).map(([one, other, at]) => {
    const near: [string, string, string] = [...one];
    near[at] = other[at] ?? '';
    return [one, near, other] as const;
  });
  fc.assert(
    fc.property(pair, ([one, near, other]) => {
      for (const another of [near, other]) {
        const same = one.every((part, index) => part === another[index]);
        assert.equal(key(...one) === key(...another), same);
      }
    }),
  );
});

test('normalising twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const plain = normaliseName(text);
      assert.equal(normaliseName(plain), plain);
      assert.equal(normaliseName(text.normalize('NFD')), plain);
      assert.equal(normaliseName(` ${text}-'`), plain);
    }),
  );
});
