/** Hands one event to the RMS, and says what its answer means. */

import type { SinkOutcome } from '@causeway/runtime/adapter/sink';
import type { Attempt } from '@causeway/runtime/delivery/subscription';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { ReportStore } from './report-store.ts';
import type { RmsAnswer, RmsClient } from './rms-client.ts';
import { isAnswer, taskOf, updateOf } from './task.ts';
import type { TaskStore } from './task-store.ts';

type SinkSettings = {
  client: RmsClient;
  tasks: Pick<TaskStore, 'keep'>;
  reports: Pick<ReportStore, 'recordOf'>;
};

/** Makes the `deliver` of a sink. */
export const createDeliver = ({
  client,
  tasks,
  reports,
}: SinkSettings): ((attempt: Attempt) => Promise<SinkOutcome>) => {
  const titles = new Map(loadCatalogue().map(({ type, title }) => [type, title]));

  return async ({ event, data, position, signal }) => {
    const handed = { event, data, title: titles.get(event.type) ?? event.type };
    const post = (path: string, body: unknown) =>
      client.request({ method: 'POST', path, body, idempotencyKey: event.id, signal });
    const own = isAnswer(event) ? await reports.recordOf(event.inResponseTo?.split('/')[2] ?? '') : undefined;
    // What answers a report that the RMS did not send through here becomes a task, so that somebody sees it.
    if (own !== undefined) {
      const answer = await post(`/records/${encodeURIComponent(own.recordId)}/updates`, updateOf(handed));
      return outcomeOf(answer);
    }
    await tasks.keep(event.id, position);
    return outcomeOf(await post('/tasks', taskOf(handed)));
  };
};

/** The RMS has it; that a person has seen it is for the task's outcome to say. */
export const outcomeOf = (answer: RmsAnswer): SinkOutcome => {
  switch (answer.kind) {
    case 'done':
      return { outcome: 'delivered', status: String(answer.status) };
    case 'refused':
      return {
        outcome: 'refused',
        code: 'http',
        status: String(answer.status),
        acknowledgement: { state: 'unable' },
      };
    case 'later':
      return {
        outcome: 'retry',
        code: answer.code,
        blame: 'receiver',
        ...(answer.status !== undefined && { status: String(answer.status) }),
        ...(answer.afterMs !== undefined && { afterMs: answer.afterMs }),
      };
    case 'no-answer':
      return { outcome: 'retry', code: 'no-answer', blame: 'receiver' };
    case 'unreachable':
      return { outcome: 'unreachable', code: 'not-connected' };
  }
};
