import { setTimeout as delay } from 'node:timers/promises';
import {
  type Author,
  ChangeRefused,
  latestVersion,
  statusRecord,
  versionRecords,
  versionsOf,
} from '@causeway/runtime/agreements/lifecycle';
import type { Codec } from '@causeway/runtime/avro/codec';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import { RetryableError } from '@causeway/runtime/errors';
import type { AuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import { type Agreements, FRESH_MS } from '@causeway/runtime/reference-data/agreements';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import type { AgreementRecord, AgreementsState, VersionState } from '@causeway/schemas/agreements/log';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { GOVERNANCE, hasOne, type Viewer } from '../access/viewer.ts';
import { readableAgreements } from './readable-agreements.ts';

/** Where people read and change agreements; pages and API use the same functions. Each viewer sees their own side only. */
export type AgreementService = {
  /** Agreements that the viewer's organisation is a party of, in order of id; in development without one, all. */
  list(viewer: Viewer): Promise<AgreementFamily[]>;
  /** @throws Problem 404 `unknown-agreement` */
  get(viewer: Viewer, id: string): Promise<AgreementFamily>;
  /**
   * Loads a new version from YAML or JSON text, for information governance only. `expected` is the latest version that
   * the author has seen, 0 for none.
   * @throws Problem 403 `not-the-source`, `wrong-role`, 409, 412 `stale`, 422 `agreement-refused` with line and column of each problem
   */
  load(viewer: Viewer, id: string, text: string, expected: number): Promise<AgreementFamily>;
  /**
   * Only the source's information governance activates or ends; either role of any party suspends. A status that is
   * there already changes nothing.
   * @throws Problem 403 `not-the-source`, `wrong-role`, 404, 409, 422
   */
  setStatus(viewer: Viewer, id: string, wish: StatusWish): Promise<AgreementFamily>;
};

type StatusWish = { status: AgreementStatus; reason: string; version?: number };

/** An agreement in all its versions. */
export type AgreementFamily = {
  id: string;
  /** The version that counts: the active one, else the one that was last, else the draft. */
  current: VersionState;
  /** The highest version there is, which a new one follows. */
  latest: number;
  versions: VersionState[];
};

type Parts = {
  agreements: Agreements;
  ledger: AuditLedger;
  organisations: { all(): { id: string }[] };
  codec: Codec;
  catalogue: readonly EventType[];
  now?: () => Date;
};

/** What was read of the topic may be shown for longer than it may be decided on; a page is not a release. */
const SHOWN_FOR_MS = 20 * FRESH_MS;
const LARGEST_ANSWER_MS = 5_000;

export const createAgreementService = (parts: Parts): AgreementService => {
  const { agreements, ledger, organisations, codec, catalogue, now = () => new Date() } = parts;

  const shown = async (): Promise<AgreementsState> => {
    const until = Date.now() + LARGEST_ANSWER_MS;
    while (!agreements.freshWithin(SHOWN_FOR_MS)) {
      if (Date.now() > until)
        throw new RetryableError('agreements-away', 'The topic of agreements cannot be followed');
      await delay(50);
    }
    return readableAgreements(agreements.state());
  };

  const authorOf = ({ subject, organisation }: Viewer): Author => ({
    by: subject,
    ...(organisation === undefined ? {} : { organisation }),
  });

  const schemaIds = async () =>
    new Map(
      await Promise.all(
        catalogue.map(async ({ type, schema }) => [type, await codec.idOf(type, schema)] as const),
      ),
    );

  const change = async (
    viewer: Viewer,
    id: string,
    plan: (state: AgreementsState) => readonly AgreementRecord[],
  ): Promise<AgreementFamily> => {
    const { by: _, ...who } = authorOf(viewer);
    try {
      const { state } = await ledger.change(plan, who);
      return familyOf(state, id);
    } catch (error) {
      throw error instanceof ChangeRefused ? problemOf(error) : error;
    }
  };

  return {
    list: async (viewer) => {
      const state = await shown();
      const ids = [...new Set([...state.versions.values()].map(({ record }) => record.id))].sort();
      return ids.map((id) => familyOf(state, id)).filter((family) => isParty(family, viewer));
    },
    get: async (viewer, id) => visible(await shown(), viewer, id),
    load: async (viewer, id, text, expected) => {
      mustGovern(viewer);
      const parsed = parseAgreement(text, id, catalogue);
      if ('problems' in parsed)
        throw refused(
          `${id} is refused`,
          parsed.problems.map(({ line, column, message }) => ({ line, column, message })),
        );
      const { agreement } = parsed;
      if (agreement.id !== id)
        throw refused(`The address names ${id}, the text ${agreement.id}`, [
          { line: 1, column: 1, message: `id: must be ${id}` },
        ]);
      const world = {
        catalogue,
        schemaIds: await schemaIds(),
        organisations: organisations.all().map((organisation) => organisation.id),
      };
      const { by } = authorOf(viewer);
      return change(viewer, id, (state) => {
        const latest = latestVersion(state, id);
        if (latest) visible(state, viewer, id);
        mayLoad(viewer, agreement);
        const version = latest?.record.version ?? 0;
        if (version !== expected)
          throw new Problem(
            412,
            'stale',
            'The agreement has changed',
            `The latest version is ${version}, not ${expected}. Read it and decide again.`,
            { latest: version },
          );
        mustFollow(viewer, agreement, version);
        return versionRecords(state, agreement, world, {
          by,
          reason: 'loaded with this status',
          at: now().toISOString(),
        });
      });
    },
    setStatus: async (viewer, id, wish) => {
      const { by } = authorOf(viewer);
      return change(viewer, id, (state) => {
        const family = visible(state, viewer, id);
        if (wish.status !== 'suspended') {
          mustBeSource(viewer, family.current.record.agreement);
          mustGovern(viewer);
        }
        try {
          const record = statusRecord(state, { id, ...wish, by, at: now().toISOString() }, ukDate(now()));
          mustBeParty(viewer, family, record.version);
          return [record];
        } catch (error) {
          if (error instanceof ChangeRefused && error.code === 'nothing-to-change') return [];
          throw error;
        }
      });
    },
  };
};

const familyOf = (state: AgreementsState, id: string): AgreementFamily => {
  const versions = versionsOf(state, id);
  const latest = versions.at(-1);
  const current =
    versions.findLast(({ status }) => status === 'active') ??
    versions.findLast(({ status }) => status !== 'draft') ??
    latest;
  if (!latest || !current) throw unknown(id);
  return { id, current, latest: latest.record.version, versions };
};

const visible = (state: AgreementsState, viewer: Viewer, id: string): AgreementFamily => {
  const family = familyOf(state, id);
  if (!isParty(family, viewer)) throw unknown(id);
  return family;
};

/** Also who was a party of an earlier version only, or is to be one of a draft. */
const isParty = ({ versions }: Pick<AgreementFamily, 'versions'>, { organisation }: Viewer): boolean =>
  organisation === undefined ||
  versions.some(
    ({ record: { agreement } }) => agreement.from === organisation || agreement.to.includes(organisation),
  );

/** A draft releases nothing: any party may propose one. Everything else is the source's to say. */
const mayLoad = (viewer: Viewer, agreement: Agreement): void => {
  const { organisation } = viewer;
  const proposal = agreement.status === 'draft' && organisation && agreement.to.includes(organisation);
  if (!proposal) mustBeSource(viewer, agreement);
};

const mustBeSource = ({ organisation }: Viewer, { from }: Agreement): void => {
  if (organisation === undefined || organisation === from) return;
  throw new Problem(
    403,
    'not-the-source',
    'Only the source may do this',
    `${from} decides what it shares. As ${organisation} you may suspend the agreement, or load a draft as a proposal.`,
  );
};

/** Less sharing is anybody's to ask for at night; more sharing, or none for good, is decided by who answers for it. */
const mustGovern = (viewer: Viewer): void => {
  if (hasOne(viewer, GOVERNANCE)) return;
  throw new Problem(
    403,
    'wrong-role',
    'Only information governance may do this',
    'As an operator you may suspend the agreement. Ask your information governance lead for anything else.',
  );
};

/** Whoever was a party once, or is one of a draft, has no say in a version that does not name it. */
const mustBeParty = (viewer: Viewer, { id, versions }: AgreementFamily, version: number): void => {
  const target = versions.filter(({ record }) => record.version === version);
  if (isParty({ versions: target }, viewer)) return;
  throw new Problem(
    403,
    'not-a-party',
    'Only a party may do this',
    `${viewer.organisation} is not a party of version ${version} of ${id}.`,
  );
};

/** Versions only go up: a proposal that took the highest number would end the source's own changes. */
const mustFollow = ({ organisation }: Viewer, { from, id, version }: Agreement, latest: number): void => {
  if (organisation === undefined || organisation === from || version <= latest + 1) return;
  throw new Problem(
    409,
    'version-not-next',
    'A proposal is the next version',
    `The latest version of ${id} is ${latest}: propose version ${latest + 1}.`,
  );
};

const unknown = (id: string) =>
  new Problem(
    404,
    'unknown-agreement',
    'No such agreement',
    `There is no agreement ${id} that you are a party of.`,
  );

type Located = { line?: number; column?: number; message: string };

const refused = (detail: string, problems: Located[]) =>
  new Problem(422, 'agreement-refused', 'The agreement is refused', detail, { problems });

const STATUS_OF: Record<string, number> = { 'unknown-agreement': 404, 'agreement-refused': 422 };

const problemOf = ({ code, message, problems }: ChangeRefused): Problem =>
  new Problem(STATUS_OF[code] ?? 409, code, 'The change is refused', message.split('\n')[0], {
    ...(problems.length > 0 ? { problems: problems.map((text) => ({ message: text })) } : {}),
  });
