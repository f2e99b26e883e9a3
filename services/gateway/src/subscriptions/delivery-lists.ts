import { auditOf } from '../http/audit.ts';
import { parametersOf, whole } from '../http/query.ts';
import { onOwn } from './own-subscription.ts';

export const LIST_LIMIT = { minimum: 1, maximum: 500, default: 100 };

/** GET …/deliveries: the last tries, the newest first. */
export const getDeliveries = onOwn(async (parts, stored, request, response) => {
  const { limit, after } = pageOf(request.url);
  const rows = await parts.webhooks.attempts.list(stored.id, limit, after);
  auditOf(response).listed = rows.length;
  response.json({
    deliveries: rows.map((row) => ({
      event: row.event_id,
      type: row.event_type,
      position: row.position,
      attempt: row.attempt,
      outcome: row.outcome,
      code: row.code,
      status: row.status,
      durationMs: row.duration_ms,
      answer: row.answer,
      at: row.at.toISOString(),
    })),
    next: rows.length === limit ? String(rows.at(-1)?.id) : null,
  });
});

/** GET …/dead-letters: what was given up, the oldest first. */
export const getDeadLetters = onOwn(async (parts, stored, request, response) => {
  const { limit, after } = pageOf(request.url);
  const found = await parts.webhooks.deadLetters.list(stored.organisation, stored.id, { limit, after });
  auditOf(response).listed = found.length;
  response.json({
    deadLetters: found.map((one) => ({
      event: one.event_id,
      type: one.event_type,
      position: `${one.partition}-${one.position}`,
      reason: one.reason,
      at: one.at.toISOString(),
      redrivenAt: one.redriven_at?.toISOString() ?? null,
    })),
    next: found.length === limit ? String(found.at(-1)?.letter) : null,
  });
});

const pageOf = (url: string): { limit: number; after: number | undefined } => {
  const query = parametersOf(url, ['after', 'limit']);
  const given = query.get('after');
  if (given !== undefined && !/^\d{1,15}$/.test(given))
    query.fault('after', 'Give the member `next` of the last page.');
  return query.checked({
    after: given === undefined ? undefined : Number(given),
    limit: whole(query, 'limit', LIST_LIMIT),
  });
};
