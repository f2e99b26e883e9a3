import type { Database } from '@causeway/runtime/postgres/database';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementsState } from '@causeway/schemas/agreements/log';
import type { InterestCount } from '../alerts/interests.ts';
import type { LagLook } from '../lag/lag-samples.ts';
import type { Measured } from '../measurement/report.ts';
import type { Attention } from '../now/attention.ts';
import type { PartState } from '../parts/parts.ts';
import type { Viewer } from '../sign-in/guard.ts';

/** Everything that pages read. What it says is about all organisations; `seenBy` makes it one viewer's. */
export type World = {
  measured(): Measured;
  lag(): LagLook | undefined;
  parts(): PartState[];
  attention(): Attention | undefined;
  organisations(): Organisation[];
  /** Whether the ledgers are whole, and when that was last signed; `since` is when this process began to look. */
  ledgers(): { since: number; signedAt: number | undefined; broken: string[] };
  interests(): InterestCount[] | undefined;
  agreements(): AgreementsState;
  store: Pick<Database, 'query' | 'transaction'>;
};

/** Whether somebody may see what belongs to an organisation. */
export function maySee({ organisation }: Pick<Viewer, 'organisation'>, id: string): boolean {
  return organisation === undefined || organisation === id;
}

/** The viewer's own side, or in development everybody's: for `any($1)` in a query. */
export function ownSide(world: Pick<World, 'organisations'>, viewer: Pick<Viewer, 'organisation'>): string[] {
  return viewer.organisation === undefined
    ? world.organisations().map(({ id }) => id)
    : [viewer.organisation];
}

/** The name that people know an organisation by. */
export function nameIn(world: Pick<World, 'organisations'>): (id: string) => string {
  const names = new Map(world.organisations().map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}

const readable = new WeakMap<AgreementsState, AgreementsState>();

/** The agreements that have the form of one: a record that somebody else wrote must not take a page, or the process, with it. */
export function readableAgreements(state: AgreementsState): AgreementsState {
  const known = readable.get(state);
  if (known) return known;
  const versions = [...state.versions].filter(([, { record }]) => isReadable(record.agreement));
  const whole = { versions: new Map(versions) };
  readable.set(state, whole);
  return whole;
}

/** As much of the form as pages rely on. */
function isReadable(agreement: Partial<Agreement> | undefined): boolean {
  const { title, from, to, parties, purpose, gateways, valid, recipient, release, contacts } =
    agreement ?? {};
  const texts = [title, from, purpose, valid?.from, valid?.until, valid?.review, recipient?.retention];
  const objects = [parties, release, contacts];
  return (
    texts.every((text) => typeof text === 'string') &&
    [to, gateways].every((list) => Array.isArray(list)) &&
    objects.every((object) => typeof object === 'object' && object !== null)
  );
}
