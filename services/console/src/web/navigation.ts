import { GOVERNANCE, type Role } from '../access/viewer.ts';

type Entry = { path: string; title: string; roles?: readonly Role[] };

/** Below Disclosures: what organisations say of people, by case. */
export const CASES_PAGE = '/disclosures/cases';

/** The pages in the order of the navigation; the first one is where the console opens. */
export const NAVIGATION: readonly Entry[] = [
  { path: '/now', title: 'Overview' },
  { path: '/flow', title: 'Flow' },
  { path: '/throughput', title: 'Throughput' },
  { path: '/lag', title: 'Lag' },
  { path: '/failures', title: 'Failures' },
  { path: '/agreements', title: 'Agreements' },
  { path: '/disclosures', title: 'Disclosures', roles: GOVERNANCE },
  { path: '/value', title: 'Value' },
  { path: '/register', title: 'Register' },
];

export const HOME = '/now';

/** The pages offered to these roles. */
export function navigationFor(roles: readonly Role[]): Entry[] {
  return NAVIGATION.filter(
    (entry) => entry.roles === undefined || entry.roles.some((role) => roles.includes(role)),
  );
}
