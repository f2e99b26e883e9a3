import { overlap } from '../avro/paths.ts';
import type { Agreement, Found } from '../disclosure/terms.ts';
import { CODE_LISTS, type Code } from './code-lists.ts';

/** What is wrong with an agreement that its JSON Schema cannot say. Needs no clock: dates are compared with each other. */
export function checkAgreement(agreement: Agreement): Found[] {
  return [
    ...checkParties(agreement),
    ...checkApprovals(agreement),
    ...checkGateways(agreement),
    ...checkDates(agreement),
    ...checkWhere(agreement),
    ...checkPaths(agreement),
  ];
}

function checkParties({ from, to, parties }: Agreement): Found[] {
  const found: Found[] = [];
  if (to.includes(from))
    found.push({ path: ['to', to.indexOf(from)], message: 'must not be the source itself' });
  const expected = new Set([from, ...to]);
  for (const party of expected) {
    if (!Object.hasOwn(parties, party))
      found.push({ path: ['parties'], atKey: true, message: `${party} is missing` });
  }
  for (const party of Object.keys(parties)) {
    if (!expected.has(party)) {
      found.push({ path: ['parties', party], atKey: true, message: 'is neither the source nor a recipient' });
    }
  }
  return found;
}

function checkApprovals({ status, parties, dpia }: Agreement): Found[] {
  if (status !== 'active') return [];
  const found: Found[] = Object.entries(parties)
    .filter(([, party]) => !party.approvedBy || !party.approvedAt)
    .map(([id]) => ({
      path: ['parties', id],
      atKey: true,
      message: 'has not approved: active needs approvedBy and approvedAt of every party',
    }));
  if (!dpia) found.push({ path: ['status'], message: 'active needs a dpia with its reference and approval' });
  return found;
}

function checkGateways({ gateways, valid }: Agreement): Found[] {
  const known: readonly Code[] = CODE_LISTS.gateways.codes;
  return gateways.flatMap((gateway, index) => {
    const from = known.find(({ code }) => code === gateway)?.inForceFrom;
    if (from && from <= valid.from) return [];
    const since = from ? `comes into force on ${from}` : 'has no known date of coming into force';
    return [
      { path: ['gateways', index], message: `${gateway} is not in force on ${valid.from}: it ${since}` },
    ];
  });
}

// RFC 3339 dates compare as text.
function checkDates({ valid }: Agreement): Found[] {
  const found: Found[] = [];
  if (valid.until < valid.from) found.push({ path: ['valid', 'until'], message: 'is before valid.from' });
  if (valid.review < valid.from) found.push({ path: ['valid', 'review'], message: 'is before valid.from' });
  if (valid.review > valid.until) found.push({ path: ['valid', 'review'], message: 'is after valid.until' });
  return found;
}

function checkWhere({ where }: Agreement): Found[] {
  return Object.entries(where)
    .filter(([, values]) => values.includes('UNKNOWN'))
    .map(([path]) => ({ path: ['where', path], message: 'UNKNOWN never meets a condition' }));
}

function checkPaths({ release }: Agreement): Found[] {
  return Object.entries(release).flatMap(([type, { fields, generalise, necessity }]) => {
    const general = Object.keys(generalise);
    const both = general
      .filter((path) => fields.some((field) => overlap(field, path)))
      .map((path) => ({
        path: ['release', type, 'generalise', path],
        atKey: true,
        message: 'is released by fields too: a path is either exact or in a general form',
      }));
    const idle = Object.keys(necessity)
      .filter((path) => ![...fields, ...general].some((released) => overlap(released, path)))
      .map((path) => ({
        path: ['release', type, 'necessity', path],
        atKey: true,
        message: 'is not released',
      }));
    return [...both, ...idle];
  });
}
