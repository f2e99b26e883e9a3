import type { Database } from '@causeway/runtime/database';
import type { Organisation } from '@causeway/runtime/organisations';
import type { AgreementsState } from '@causeway/schemas/agreement-log';
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
