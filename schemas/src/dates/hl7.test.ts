import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseInstant, parsePartialDate } from './hl7.ts';

describe('HL7 times', () => {
  const instants: [string, string | undefined][] = [
    ['20241104144000', '2024-11-04T14:40:00+00:00'],
    ['20210806171858', '2021-08-06T17:18:58+01:00'],
    ['202108061718', '2021-08-06T17:18:00+01:00'],
    ['20210806171858.1234', '2021-08-06T17:18:58.1234+01:00'],
    ['20210806171858+0000', '2021-08-06T17:18:58+00:00'],
    ['20210806171858-0530', '2021-08-06T17:18:58-05:30'],
    ['2021-08-06T17:18:58Z', '2021-08-06T17:18:58+00:00'],
    ['2021-08-06 17:18', '2021-08-06T17:18:00+01:00'],
    ['19700701120000', '1970-07-01T12:00:00+01:00'],
    ['20180101', undefined],
    ['2018010112', undefined],
    ['20180230120000', undefined],
    ['20181301120000', undefined],
    ['20180101240000', undefined],
    ['20180101126000', undefined],
    ['06/08/2021', undefined],
    ['tomorrow', undefined],
    ['', undefined],
  ];
  for (const [written, instant] of instants) {
    it(`reads ${JSON.stringify(written)} as ${instant ?? 'no instant'}`, () => {
      assert.equal(parseInstant(written), instant);
    });
  }

  it('takes the hour that October repeats as its first pass', () => {
    assert.equal(parseInstant('20241027003000'), '2024-10-27T00:30:00+01:00');
    assert.equal(parseInstant('20241027013000'), '2024-10-27T01:30:00+01:00');
    assert.equal(parseInstant('20241027020000'), '2024-10-27T02:00:00+00:00');
  });

  it('takes the second pass where the offset says so', () => {
    assert.equal(parseInstant('20241027013000+0000'), '2024-10-27T01:30:00+00:00');
  });

  it('moves a time in the hour that March skips forward', () => {
    assert.equal(parseInstant('20240331005959'), '2024-03-31T00:59:59+00:00');
    assert.equal(parseInstant('20240331013000'), '2024-03-31T02:30:00+01:00');
    assert.equal(parseInstant('20240331020000'), '2024-03-31T02:00:00+01:00');
  });

  it('agrees with the wall clock of London for any instant but the repeated hour', () => {
    const clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/London',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    const anyTime = fc.date({
      min: new Date('1990-01-01'),
      max: new Date('2040-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(anyTime, (date) => {
        const seconds = Math.floor(date.getTime() / 1000) * 1000;
        const instant = parseInstant(clock.format(seconds).replace(/\D/g, ''));
        const difference = seconds - Date.parse(instant ?? '');
        assert.ok(difference === 0 || difference === 3_600_000);
      }),
    );
  });
});

describe('partial dates', () => {
  const dates: [string, string | undefined, string?][] = [
    ['19910101', '1991-01-01', 'day'],
    ['1928-01-01', '1928-01-01', 'day'],
    ['20241104144000', '2024-11-04', 'day'],
    ['19600406000000', '1960-04-06', 'day'],
    ['199101', '1991-01', 'month'],
    ['1991', '1991', 'year'],
    ['20230229', undefined],
    ['99', undefined],
    ['unknown', undefined],
  ];
  for (const [written, date, precision] of dates) {
    it(`reads ${written} as ${date ?? 'no date'}`, () => {
      const expected = date === undefined ? undefined : { value: date, precision };
      assert.deepEqual(parsePartialDate(written), expected);
    });
  }
});
