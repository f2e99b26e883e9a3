import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { PermanentError } from '../errors.ts';
import { createTokeniser } from './pseudonyms.ts';

const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const tokens = createTokeniser(KEY);

// Computed with OpenSSL over the texts in the middle. A change here means that partners must replace their tokens.
const VECTORS: [scheme: string, canonical: string, token: string, expected: string][] = [
  ['nhs', 'nhs:9000000009', tokens.nhs('9000000009'), '7YT_96RbedGA3H9DSnu1Ew'],
  ['upn', 'upn:B801200005001', tokens.upn('B801200005001'), 'HzV2mwXRKeeAl9wAbK97Mg'],
  ['pnc', 'pnc:2002/0073319Z', tokens.pnc('02/73319Z'), 'DKa5mlbUTuESmcjOeCiTjQ'],
  ['cro', 'cro:065656/91H', tokens.cro('65656/91H'), 'GeQy6coQcj-wUhpxQEMa4A'],
  [
    'local',
    'local:westshire-council:case:A 1/b',
    tokens.local('westshire-council', 'case', 'A 1/b'),
    'ywZ_bWQkkqUQtGHHbn1RCA',
  ],
  [
    'demographic',
    'demographic:OBRIENZOE:ANNELISE:1979-02-28',
    tokens.demographic({ familyName: "O'Brien Zoë", firstName: 'Annelise', dateOfBirth: '1979-02-28' }),
    'QdBj8ChMOCnxy0MPqvXGiw',
  ],
];

for (const [scheme, canonical, token, expected] of VECTORS) {
  test(`the ${scheme} token is the truncated HMAC of its canonical text`, () => {
    assert.equal(token, expected);
    const digest = createHmac('sha256', KEY).update(canonical).digest();
    assert.equal(token, digest.subarray(0, 16).toString('base64url'));
  });
}

test('ways of writing one identifier give one token', () => {
  const same: string[][] = [
    ['9000000009', '900 000 0009', '900-000-0009'].map(tokens.nhs),
    ['B801200005001', 'b801200005001', ' B80120000 5001 '].map(tokens.upn),
    ['1979/0163001B', '79/163001B', '79163001b', '19790163001B'].map(tokens.pnc),
    ['2003/0000003Y', '033Y', '03/3Y', '2003/3Y'].map(tokens.pnc),
    ['065656/91H', '65656/91h'].map(tokens.cro),
    [
      { familyName: "O'Brien Zoë", firstName: 'Anne-Lise', dateOfBirth: '1979-02-28' },
      { familyName: 'OBRIEN-ZOE', firstName: 'Anne Lise', dateOfBirth: '1979-02-28' },
    ].map(tokens.demographic),
  ];
  for (const group of same) assert.equal(new Set(group).size, 1);
});

test('what cannot be an identifier is refused without being repeated', () => {
  const person = { familyName: 'Example', firstName: 'Example', dateOfBirth: '1990-01-01' };
  const attempts = [
    () => tokens.nhs('123456789'),
    () => tokens.nhs('9000000008'),
    () => tokens.cro('85227/65G'),
    () => tokens.upn('801200005001'),
    () => tokens.pnc('79/12345678B'),
    () => tokens.local('Westshire Council', 'case', '1'),
    () => tokens.local('westshire-council', 'a:b', '1'),
    () => tokens.local('westshire-council', 'case', ''),
    () => tokens.demographic({ ...person, familyName: " -' " }),
    () => tokens.demographic({ ...person, dateOfBirth: '1990-02-30' }),
    () => tokens.demographic({ ...person, dateOfBirth: '1990' }),
  ];
  for (const attempt of attempts) {
    assert.throws(
      attempt,
      (error) =>
        error instanceof PermanentError &&
        error.code === 'invalid-identifier' &&
        !/\d{3}|Example/.test(error.message),
    );
  }
});

test('a weak key is refused', () => {
  assert.throws(() => createTokeniser(Buffer.alloc(15)), { code: 'weak-key' });
});

test('different keys, schemes, organisations and identifiers give different tokens', () => {
  const part = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}$/);
  const tuple = fc.tuple(part, part, fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(tuple, tuple, (one, two) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(two));
      assert.notEqual(tokens.local(...one), tokens.local(...two));
    }),
  );
  assert.notEqual(createTokeniser(Buffer.alloc(16)).nhs('9000000009'), tokens.nhs('9000000009'));
});
