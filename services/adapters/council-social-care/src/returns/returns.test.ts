import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { appendFile, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Person } from '@causeway/schemas/generated/types';
import type { Receipt } from './receipt.ts';
import { caseFile, createTestDatabase, fixture, startCouncil } from './testing.ts';

const typesOf = (published: { event: { type: string } }[]) =>
  published.map(({ event }) => event.type.replace('uk.causeway.council.', '').replace('.v1', '')).sort();

const counts = ({ rows, published, unchanged, notShared, refused }: Receipt) => ({
  rows,
  published,
  unchanged,
  notShared,
  refused: refused.length,
});

describe('returns in the drop folder, on the real bus', { timeout: 120_000 }, () => {
  let council: Awaited<ReturnType<typeof startCouncil>>;
  before(async () => {
    council = await startCouncil();
  });
  after(() => council[Symbol.asyncDispose]());

  it('publishes a whole looked-after return once, each row accounted for, and corrects what is changed', async () => {
    await using council = await startCouncil();
    const children = await council.drop('header.csv', fixture('header.csv'));
    assert.deepEqual(counts(children), {
      rows: 2_675,
      published: 0,
      unchanged: 0,
      notShared: 2_675,
      refused: 0,
    });
    assert.equal(children.remembered, 2_675);
    const [episodes, missing] = await Promise.all([
      council.drop('episodes.csv', fixture('episodes.csv')),
      council.drop('missing.csv', fixture('missing.csv')),
    ]);
    // Of children who are placed for adoption nothing is told, whatever the file.
    const adoption = 1_197;
    assert.deepEqual(counts(episodes), {
      rows: 5_050,
      published: 5_050 - adoption,
      unchanged: 0,
      notShared: adoption,
      refused: 0,
    });
    assert.equal(missing.published + missing.notShared, 43);
    const first = await council.news();
    const of = (word: string) => first.filter(({ event }) => event.type.includes(word)).length;
    assert.equal(of('care-episode.begun'), episodes.published);
    assert.equal(of('missing-from-care'), 2 * missing.published);
    assert.ok(
      !first.some(({ data }) =>
        /^(A[3-6]|E1[12])$/.test(String(data.placementType ?? data.episodeEndReason)),
      ),
    );
    assert.equal(new Set(first.map(({ event }) => event.id)).size, first.length);
    assert.ok(first.every(({ event }) => event.replay));
    // Who the child is comes from the header file; 107 of the pupil numbers pass their check.
    assert.ok(first.every(({ data }) => (data.person as { dateOfBirth: unknown }).dateOfBirth !== null));
    assert.ok(first.some(({ event }) => event.tokens.length > 0));

    await council.restart();
    for (const file of ['header.csv', 'episodes.csv', 'missing.csv']) {
      const again = await council.drop(`again-${file}`, fixture(file));
      const notShared = { 'header.csv': 0, 'episodes.csv': adoption }[file] ?? missing.notShared;
      assert.deepEqual(counts(again), {
        rows: again.rows,
        published: 0,
        unchanged: again.rows - notShared,
        notShared,
        refused: 0,
      });
    }
    assert.deepEqual(await council.news(), []);

    const changed = fixture('episodes.csv')
      .toString()
      .replace('640465,10/06/2015,S,C2', '640465,10/06/2015,S,V2');
    assert.deepEqual(counts(await council.drop('episodes.csv', changed)), {
      rows: 5_050,
      published: 1,
      unchanged: 5_049 - adoption,
      notShared: adoption,
      refused: 0,
    });
    const [correction, ...more] = await council.news();
    assert.equal(more.length, 0);
    assert.equal(correction?.event.type, 'uk.causeway.council.care-episode.corrected.v1');
    const begun = first.find(({ event }) => event.id === correction?.event.corrects);
    assert.equal(begun?.data.caseReference, correction?.data.caseReference);
    assert.equal(correction?.data.legalStatusCode, 'V2');
  });

  it('tells what became of an episode over the years: ended, ended otherwise, not ended, begun on another day', async () => {
    const names = 'CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC\r\n';
    const tell = async (row: string) => {
      await council.drop('episodes.csv', `${names}${row}\r\n`);
      return typesOf(await council.news());
    };
    assert.deepEqual(await tell('A1,01/02/2026,S,V2,N1,U1,PR1,,'), ['care-episode.begun']);
    assert.deepEqual(await tell('A1,01/02/2026,S,V2,N1,U1,PR1,01/03/2026,X1'), ['care-episode.ended']);
    assert.deepEqual(await tell('A1,01/02/2026,S,V2,N1,U1,PR1,02/03/2026,X1'), ['care-episode.corrected']);
    assert.deepEqual(await tell('A1,01/02/2026,S,V2,N1,U1,PR1,,'), ['care-episode-end.voided']);
    assert.deepEqual(await tell('A1,01/02/2026,S,V2,N1,U1,PR1,02/03/2026,X1'), ['care-episode.ended']);
    assert.deepEqual(await tell('A1,31/01/2026,S,V2,N1,U1,PR1,02/03/2026,X1'), ['care-episode.corrected']);
    assert.deepEqual(await tell('a1,31/01/2026,S,V2,N1,U1,PR1,02/03/2026,X1'), [
      'care-episode.begun',
      'care-episode.ended',
    ]);
  });

  it('marks as history what is long past, and as news what is not', async () => {
    await using council = await startCouncil({ COUNCIL_SOCIAL_CARE_HISTORY_DAYS: '92' });
    const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    const rows = [`CHILD,DECOM,DEC`, `H1,${day(400)},${day(3)}`, `H2,${day(2)},`].join('\n');
    await council.drop('history.csv', `${rows}\n`);
    const replayed = (await council.news()).map(
      ({ event }) => `${event.type.split('.').at(-2)} ${event.replay}`,
    );
    assert.deepEqual(replayed.sort(), ['begun false', 'begun true', 'ended false']);
  });

  it('counts as not shared what no agreement names, and publishes it once one does', async () => {
    await using council = await startCouncil({}, (type) => type.includes('missing-from-care'));
    const episodes = await council.drop('episodes.csv', 'CHILD,DECOM\nA1,01/02/2026\n');
    assert.deepEqual(counts(episodes), { rows: 1, published: 0, unchanged: 0, notShared: 1, refused: 0 });
    const again = await council.drop('episodes.csv', 'CHILD,DECOM\nA1,01/02/2026\n');
    assert.equal(again.notShared, 1);
    const missing = await council.drop('missing.csv', 'CHILD,MISSING,MIS_START\nA1,M,01/02/2026\n');
    assert.deepEqual(typesOf(await council.news()), ['child-missing-from-care.reported']);
    assert.equal(missing.published, 1);
  });

  it('keeps the good rows of a bad file, and says of each bad one where it is and what is wrong, without a value of it', async () => {
    const file = [
      'CHILD;DECOM;RNE;LS;Notes;PLACE;PLACE_PROVIDER;DEC;REC;PL_POST',
      'G1;01/02/2026;S;V2;;U1;PR1;;;',
      ';01/02/2026;S;V2;;U1;PR1;;;',
      'B1;31/02/2026;S;V2;;U1;PR1;;;',
      'B2;01/02/2026;S;V2',
      'B3;01/02/2026;S;Mr Secret;;U1;PR1;;;',
      'B4;"01/02/2026;S;V2;;U1;PR1;;;',
      'B5;01/02/2026;S;V2;;U1;PR1;01/01/2026;X1;',
      'G2;01/02/2026;S;V2;"two',
      'lines";U1;PR1;;;',
      'G1;01/02/2026;S;C2;;U1;PR1;;;',
      'G1;01/02/2026;S;V2;;U1;PR1;;;',
      '',
    ].join('\r\n');
    const receipt = await council.drop('odd.txt', file);
    assert.deepEqual(counts(receipt), { rows: 10, published: 3, unchanged: 1, notShared: 0, refused: 6 });
    assert.deepEqual(
      receipt.refused.map(({ row }) => row),
      [3, 4, 5, 7, 8, 11],
    );
    assert.deepEqual(receipt.ignoredColumns, ['Notes']);
    assert.doesNotMatch(JSON.stringify(receipt), /Secret|B[1-5]|G[12]/);
    assert.deepEqual(receipt.notes, [
      { note: 'LS has a code that the return does not list, and is told as unknown', rows: 1 },
    ]);
    assert.equal((await council.news()).length, 3);
  });

  it('publishes what of the census is a fact, child by child', async () => {
    const receipt = await council.drop('CIN.xml', fixture('CIN_Census_2024.xml'));
    assert.deepEqual(counts(receipt), { rows: 2, published: 2, unchanged: 0, notShared: 0, refused: 0 });
    assert.equal(receipt.kind, 'cin-census-2023');
    assert.deepEqual(typesOf(await council.news()), [
      'child-protection-plan.begun',
      'child-protection-plan.ended',
      'safeguarding-referral.accepted',
      'safeguarding-referral.accepted',
      'section47-enquiry.opened',
    ]);
    const again = await council.drop('CIN-again.xml', fixture('CIN_Census_2024.xml'));
    assert.equal(again.unchanged, 2);
    const changed = fixture('CIN_Census_2024.xml')
      .toString()
      .replace('<CPPendDate>2023-03-14', '<CPPendDate>2023-03-15');
    await council.drop('CIN.xml', changed);
    assert.deepEqual(typesOf(await council.news()), ['child-protection-plan.corrected']);
    const other = await council.drop('CIN-100.xml', fixture('CIN_header_issues_100.xml'));
    assert.deepEqual(counts(other), { rows: 1, published: 1, unchanged: 0, notShared: 0, refused: 0 });
  });

  it('waits for a file that grows, and takes nothing from a folder but whole files', async () => {
    const path = join(council.folder, 'slow.csv');
    await writeFile(path, 'CHILD,DECOM\nS1,01/02/2026\nS2,0');
    for (let row = 3; row < 9; row += 1) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await appendFile(path, `1/02/2026\nS${row},0`);
    }
    await appendFile(path, '1/02/2026\n');
    await symlink(path, join(council.folder, 'link.csv'));
    await writeFile(join(council.folder, '.hidden.csv'), 'CHILD,DECOM\nH1,01/02/2026\n');
    const { rows, refused } = await council.receipt('slow.csv');
    assert.deepEqual({ rows, refused }, { rows: 8, refused: [] });
    const ids = (await council.news()).map(({ data }) => (data.person as Person).identifiers.localId ?? '');
    assert.deepEqual(ids.filter((id) => /^[SH]\d$/.test(id)).sort(), [
      'S1',
      'S2',
      'S3',
      'S4',
      'S5',
      'S6',
      'S7',
      'S8',
    ]);
    assert.deepEqual(
      readdirSync(council.folder).filter((name) => /^(link|\.hidden).*receipt/.test(name)),
      [],
    );
  });

  it('notices another content of the same size and time, and leaves alone what it has read before a restart', async () => {
    await council.drop('same.csv', 'CHILD,DECOM\nT1,01/02/2026\n');
    const path = join(council.folder, 'same.csv');
    const { mtime } = statSync(path);
    const receipt = statSync(`${path}.receipt.json`).ino;
    await writeFile(`${path}.part`, 'CHILD,DECOM\nT2,01/02/2026\n');
    await utimes(`${path}.part`, mtime, mtime);
    await rename(`${path}.part`, path);
    while (statSync(`${path}.receipt.json`).ino === receipt)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const told = await council.news();
    assert.ok(told.some(({ data }) => (data.person as Person).identifiers.localId === 'T2'));
    const before = statSync(`${path}.receipt.json`).ino;
    await council.restart();
    assert.equal((await council.drop('later.csv', 'CHILD,DECOM\nT3,01/02/2026\n')).published, 1);
    assert.equal(statSync(`${path}.receipt.json`).ino, before);
  });

  it('moves a file that was read to the archive, with its receipt beside it', async () => {
    await using council = await startCouncil({ COUNCIL_SOCIAL_CARE_PROCESSED: 'archive' });
    const receipt = await council.drop('x.csv', 'CHILD,DECOM\nA1,01/02/2026\n');
    assert.equal(receipt.published, 1);
    const archive = join(council.folder, 'archive');
    for (;;) {
      const names = statSync(archive, { throwIfNoEntry: false }) ? readdirSync(archive) : [];
      if (names.filter((name) => name.endsWith('-x.csv')).length === 1 && names.length === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(readdirSync(council.folder).sort(), ['archive', 'x.csv.receipt.json']);
  });

  const EPISODES = 'CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,PL_POST,RESTRICTED,EXCLUDE';
  const episodes = (...rows: string[]) => [EPISODES, ...rows, ''].join('\n');

  it('takes two missing periods of a child that begin on one day for two, in whatever order and file they come', async () => {
    const file = (...rows: string[]) => ['CHILD,DOB,MISSING,MIS_START,MIS_END', ...rows, ''].join('\n');
    const [first, second] = [
      'M1,01/02/2011,M,20/11/2026,20/11/2026',
      'M1,01/02/2011,M,20/11/2026,21/11/2026',
    ];
    const open = 'M1,01/02/2011,M,20/11/2026,';
    const tell = async (...rows: string[]) => {
      const receipt = await council.drop('periods.csv', file(...rows));
      assert.equal(receipt.refused.length, 0);
      return typesOf(await council.news());
    };
    await council.news();
    const [ended, reported] = ['child-missing-from-care.ended', 'child-missing-from-care.reported'];
    assert.deepEqual(await tell(first), [ended, reported]);
    assert.deepEqual(await tell(first, open), [reported]);
    assert.deepEqual(await tell(second, first), [ended]);
    assert.deepEqual(await tell(first, second), []);
    const news = await council.drop('later.csv', file(first, second.replace('21/11', '22/11')));
    assert.deepEqual([news.unchanged, news.published], [1, 1]);
    assert.deepEqual(typesOf(await council.news()), ['child-missing-from-care.corrected']);
  });

  it('tells nothing new of a child who is placed for adoption, and of an open episode that it is over', async () => {
    await council.drop('open.csv', episodes('AD1,01/03/2026,S,E1,N1,U1,PR1,,,WE6 2LB,,'));
    const [begun] = await council.news();
    const placed = episodes(
      'AD1,01/03/2026,S,E1,N1,U1,PR1,05/11/2026,X1,WE6 2LB,,',
      'AD1,05/11/2026,P,E1,N1,A3,PR1,20/11/2026,E11,WE6 2LB,,',
      'AD2,05/11/2026,S,E1,N1,A5,PR1,20/11/2026,E12,WE6 2LB,,',
    );
    assert.deepEqual(counts(await council.drop('placed.csv', placed)), {
      rows: 3,
      published: 1,
      unchanged: 0,
      notShared: 2,
      refused: 0,
    });
    const [end, ...more] = await council.news();
    assert.deepEqual(more, []);
    assert.equal(end?.event.type, 'uk.causeway.council.care-episode.ended.v1');
    assert.equal(end?.data.caseReference, begun?.data.caseReference);
    assert.deepEqual(
      [end?.data.episodeEndDate, end?.data.episodeEndReason, end?.data.ceasesLookedAfter],
      ['2026-11-05', null, null],
    );
    await council.drop('placed-again.csv', placed);
    await council.drop('missing-adopted.csv', 'CHILD,MISSING,MIS_START\nAD1,M,06/11/2026\n');
    await council.drop('changed.csv', episodes('AD1,01/03/2026,S,C2,N1,K2,PR1,,,,,'));
    assert.deepEqual(await council.news(), []);
    const letters = await council.deadLetters();
    assert.equal(letters, 0);
    // A placement that ended otherwise: the child is told of again, and that placement is not.
    await council.drop('a.csv', episodes('AD3,05/10/2026,S,E1,N1,A4,PR1,,,,,'));
    await council.drop(
      'b.csv',
      episodes('AD3,05/10/2026,S,E1,N1,A4,PR1,10/11/2026,X1,,,', 'AD3,10/11/2026,P,E1,N1,U1,PR1,,,,,'),
    );
    assert.equal((await council.news()).filter(({ event }) => event.type.endsWith('begun.v1')).length, 1);
  });

  it('carries restrictions of its own, which protect the child before anything is told of them', async () => {
    const receipt = await council.drop(
      'restricted.csv',
      episodes(
        'RS1,05/11/2026,S,C2,N1,U4,PR1,,,WE6 2LB,Y,',
        'RS2,05/11/2026,S,C2,N1,U4,PR1,,,WE6 2LB,N,westshire-police',
        'RS3,05/11/2026,S,C2,N1,U4,PR1,,,WE6 2LB,,',
      ),
    );
    assert.equal(receipt.published, 3);
    assert.deepEqual(receipt.ignoredColumns, []);
    const told = await council.news();
    const of = (id: string) => told.find(({ data }) => (data.person as Person).identifiers.localId === id);
    assert.deepEqual(
      ['RS1', 'RS2', 'RS3'].map((id) => of(id)?.data.placementPostcode),
      [null, 'WE6 2LB', 'WE6 2LB'],
    );
    assert.deepEqual(of('RS2')?.event.exclude, ['westshire-police']);
    assert.deepEqual(await council.safeguards(), { opened: 1, ended: 0 });
    await council.drop('listed.csv', 'CHILD,RESTRICTED,EXCLUDE\nRS3,Y,all\nRS1,N,\n');
    assert.deepEqual(await council.safeguards(), { opened: 2, ended: 1 });
    await council.drop('more.csv', episodes('RS3,06/11/2026,L,C2,N1,U4,PR1,,,WE6 2LB,,'));
    const [later] = await council.news();
    assert.equal(later?.data.placementPostcode, null);
    assert.deepEqual(later?.event.exclude, ['all']);
  });

  it('knows the restrictions of the database and who the child is there', async () => {
    await using database = await createTestDatabase();
    const add = (id: number, restricted: string, born = '2014-05-09') =>
      database.query(
        `insert into casework.person (person_id, family_name, given_names, date_of_birth, sex, nhs_number,
           nhs_number_verified, address_line_1, postcode, restricted)
         values ($1, 'Invented', 'Kid', $2, 'F', 9990000018, 'Y', '1 Made Up Road', 'WE4 6QX', $3)`,
        [id, born, restricted],
      );
    await add(8801, 'Y');
    await add(8802, 'N');
    await add(8803, 'N', '2011-01-01');
    await using council = await startCouncil({
      COUNCIL_DATABASE_URL: database.url,
      COUNCIL_SOCIAL_CARE_CONTACTS: 'false',
      COUNCIL_SOCIAL_CARE_RETURN_IDS: 'LAC-{person_id}',
    });
    const ids = ['LAC-8801', 'LAC-8802', 'LAC-8803'];
    await council.drop(
      'header.csv',
      ['CHILD,SEX,DOB,ETHNIC,UPN', ...ids.map((id) => `${id},2,09/05/2014,WBRI,`), ''].join('\n'),
    );
    await council.drop(
      'episodes.csv',
      episodes(...ids.map((id) => `${id},05/11/2026,S,C2,N1,U4,PR1,,,WE6 2LB,,`)),
    );
    const told = (await council.news()).filter(({ event }) => event.type.includes('care-episode'));
    const of = (id: string) => {
      const found = told.find(({ data }) => (data.person as Person).identifiers.localId === id);
      const { person, placementPostcode } = found?.data ?? {};
      const { name, identifiers, address } = person as Person;
      return [placementPostcode, name?.familyName, identifiers.nhsNumber, address];
    };
    assert.deepEqual(of('LAC-8801'), [null, 'Invented', '9990000018', null]);
    assert.deepEqual(of('LAC-8802'), ['WE6 2LB', 'Invented', '9990000018', null]);
    // The number is another child's, by the date of birth.
    assert.deepEqual(of('LAC-8803'), ['WE6 2LB', undefined, null, null]);
  });

  it('lists what a return leaves out, and withdraws it where the council sets it so', async () => {
    await using council = await startCouncil({ COUNCIL_SOCIAL_CARE_LEFT_OUT: 'withdraw' });
    const plan = '<ChildProtectionPlans><CPPstartDate>2026-11-10</CPPstartDate></ChildProtectionPlans>';
    const census = (details: string) =>
      `<Message><Children><Child><ChildIdentifiers><LAchildID>L1</LAchildID></ChildIdentifiers><CINdetails><CINreferralDate>2026-11-02</CINreferralDate>${details}</CINdetails></Child></Children></Message>`;
    const first = await council.drop('first.xml', census(plan));
    assert.deepEqual(first.leftOut, []);
    const told = await council.news();
    const later = await council.drop('later.xml', census('<ReferralNFA>1</ReferralNFA>'));
    assert.deepEqual(later.leftOut, [
      { row: 1, kind: 'child-protection-plan' },
      { row: 1, kind: 'safeguarding-referral' },
    ]);
    const withdrawn = await council.news();
    assert.deepEqual(typesOf(withdrawn), ['child-protection-plan.voided', 'safeguarding-referral.voided']);
    assert.deepEqual(
      withdrawn.map(({ event }) => event.corrects).sort(),
      told.map(({ event }) => event.id).sort(),
    );
    const again = await council.drop('again.xml', census('<ReferralNFA>1</ReferralNFA>'));
    assert.deepEqual([again.leftOut, await council.news()], [[], []]);
    await council.drop('back.xml', census(plan));
    assert.deepEqual(typesOf(await council.news()), [
      'child-protection-plan.begun',
      'safeguarding-referral.accepted',
    ]);
  });

  const CASES: [what: string, files: string[], told: string[]][] = [
    [
      'an ampersand in the fifth of forty children',
      ['x12d.xml'],
      Array(39).fill('safeguarding-referral.accepted'),
    ],
    [
      'the start of an open plan moved by two days',
      ['x19a.xml', 'x19b.xml'],
      ['child-protection-plan.corrected'],
    ],
    [
      'a start corrected and an end stated in one edit',
      ['c23a.csv', 'c23b.csv'],
      ['care-episode.corrected', 'care-episode.ended'],
    ],
    ['dates with the month first', ['c08.csv'], []],
    ['a child placed for adoption and adopted', ['c28.csv'], []],
    [
      'two missing periods of one day',
      ['c32.csv'],
      ['ended', 'ended', 'reported', 'reported'].map((word) => `child-missing-from-care.${word}`),
    ],
  ];
  for (const [what, files, expected] of CASES)
    it(`tells of ${what} what is true`, async () => {
      for (const file of files) {
        if (file === files.at(-1)) await council.news();
        await council.drop(`case-${file}`, caseFile(file));
      }
      const told = typesOf(await council.news()).filter(
        (type) => !what.includes('forty') || type.includes('referral'),
      );
      assert.deepEqual(told, expected);
    });
});
