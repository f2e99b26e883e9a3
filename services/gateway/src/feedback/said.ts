import { Problem } from '@causeway/runtime/service/http-server';
import type { Said } from './acknowledge.ts';

/** The body of an acknowledgement in the form in which it is checked and documented. */
export const STATES = ['seen', 'accepted', 'not-ours', 'unable'] as const;
export const POSITION_PATTERN = '^(0|[1-9][0-9]{0,2})-(0|[1-9][0-9]{0,14})$';
/** A team or a case number: short and on one line. Never a person, which nobody can check here. */
export const WORDS_PATTERN = "^[A-Za-z0-9][A-Za-z0-9 .,&'()/_:-]{0,99}$";
const ID = /^[A-Za-z0-9_-]{16,64}$/;

/** @throws Problem 400 `invalid-body` that names every fault, 404 for an id that cannot be one */
export const saidIn = (id: string, body: unknown): Said => {
  if (!ID.test(id)) throw new Problem(404, 'not-found', 'There is no such event');
  const { position, state, team, reference, ...rest } = isObject(body) ? body : {};
  const faults: { path: string; problem: string }[] = [];
  const check = (path: string, good: boolean, problem: string) => {
    if (!good) faults.push({ path, problem });
  };
  check('', isObject(body), 'must be a JSON object');
  check('position', matches(position, POSITION_PATTERN), 'must be the position of the event');
  check(
    'state',
    STATES.some((one) => one === state),
    `must be one of ${STATES.join(', ')}`,
  );
  for (const [path, value] of Object.entries({ team, reference }))
    check(path, value == null || matches(value, WORDS_PATTERN), 'must be at most 100 plain characters');
  if (Object.keys(rest).length > 0)
    faults.push({ path: '', problem: 'has members beside position, state, team, reference' });
  if (faults.length > 0)
    throw new Problem(
      400,
      'invalid-body',
      'The acknowledgement cannot be read as it is',
      'Correct what the member faults names.',
      { faults },
    );
  const [partition, offset] = String(position).split('-').map(Number);
  return {
    id,
    partition: partition ?? 0,
    offset: offset ?? 0,
    state: (state === 'not-ours' ? 'not_ours' : state) as Said['state'],
    team: (team ?? null) as string | null,
    reference: (reference ?? null) as string | null,
  };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const matches = (value: unknown, pattern: string): boolean =>
  typeof value === 'string' && new RegExp(pattern).test(value);
