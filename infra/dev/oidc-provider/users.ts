import { timingSafeEqual } from 'node:crypto';
import type { Role } from './oidc.ts';

type User = { name: string; roles: Role[] };

/** Known to everybody who reads this, hence to the loopback provider only. */
const PASSWORD = Buffer.from('causeway');
const users = new Map<string, User>([
  ['operator', { name: 'Operations', roles: ['operator'] }],
  ['governance', { name: 'Information governance', roles: ['information-governance'] }],
]);

export const findUser = (id: string | undefined) => (id === undefined ? undefined : users.get(id));

export function passwordMatches(id: string, password: string): boolean {
  const given = Buffer.from(password);
  return users.has(id) && given.length === PASSWORD.length && timingSafeEqual(given, PASSWORD);
}
