import { Problem } from '@causeway/runtime/service/http-server';
import { z } from 'zod';
import { checked } from '../http/body.ts';
import { EVENT_ID_PATTERN } from '../http/query.ts';
import type { Acknowledging } from './acknowledge.ts';

export const STATES = ['seen', 'accepted', 'not-ours', 'unable'] as const;

/** A team or a case number: short and on one line. Never a person, which cannot be checked here. */
const line = (description: string) =>
  z
    .string('must be at most 100 plain characters')
    .regex(/^[A-Za-z0-9][A-Za-z0-9 .,&'()/_:-]{0,99}$/, 'must be at most 100 plain characters')
    .meta({ maxLength: 100 })
    .nullable()
    .describe(description)
    .optional();

export const acknowledgementBody = z.strictObject({
  position: z
    .string('must be the position of the event')
    .regex(/^(0|[1-9][0-9]{0,2})-(0|[1-9][0-9]{0,14})$/, 'must be the position of the event')
    .describe('The member `position` of the event'),
  state: z
    .enum(STATES, `must be one of ${STATES.join(', ')}`)
    .describe(
      '`seen`: received by a person or a system. `accepted`: being dealt with. `not-ours`: another organisation is responsible. `unable`: cannot be acted on',
    ),
  team: line('The team that has it, never a person'),
  reference: line('A case number that does not identify the person by itself'),
});

/** @throws Problem 400 `invalid-body`, 404 for an id that is not valid */
export const acknowledgementIn = (id: string, body: unknown): Acknowledging => {
  if (!new RegExp(EVENT_ID_PATTERN).test(id)) throw new Problem(404, 'not-found', 'Event not found');
  const { position, state, team = null, reference = null } = checked(acknowledgementBody, body);
  const [partition = 0, offset = 0] = position.split('-').map(Number);
  return { id, partition, offset, state: state === 'not-ours' ? 'not_ours' : state, team, reference };
};
