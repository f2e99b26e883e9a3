import type { Organisation } from '@causeway/runtime/reference-data/organisations';

export type Role = 'operator' | 'information-governance';

/** Who may use the console; without an organisation they act for all, in development only. */
export type Person = { subject: string; name: string; roles: Role[]; organisation?: string };

/** Who asks, and whose side they may see: that of one organisation, or in development of all. */
export type Viewer = Pick<Person, 'subject' | 'roles' | 'organisation'>;

export type BrowserSession = Person & { id: string; csrf: string; expiresAt: number };

export type OrganisationReader = { organisations(): Organisation[] };

const ROLES: readonly Role[] = ['operator', 'information-governance'];
export const GOVERNANCE: readonly Role[] = ['information-governance'];

/** The console's roles among those that a token claims. */
export function rolesOf(claim: unknown): Role[] {
  return Array.isArray(claim) ? ROLES.filter((role) => claim.includes(role)) : [];
}

/** Whether a person has one of the roles; where none are named, any will do. */
export function hasOne({ roles }: Pick<Person, 'roles'>, wanted?: readonly Role[]): boolean {
  return wanted === undefined || wanted.some((role) => roles.includes(role));
}

/** Whether a viewer may see what belongs to an organisation. */
export function maySee({ organisation }: Pick<Viewer, 'organisation'>, id: string): boolean {
  return organisation === undefined || organisation === id;
}

/** The viewer's own side, or in development every organisation: for `any($1)` in a query. */
export function ownSide(readers: OrganisationReader, viewer: Pick<Viewer, 'organisation'>): string[] {
  return viewer.organisation === undefined
    ? readers.organisations().map(({ id }) => id)
    : [viewer.organisation];
}

/** The name that people know an organisation by. */
export function nameIn(readers: OrganisationReader): (id: string) => string {
  const names = new Map(readers.organisations().map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
