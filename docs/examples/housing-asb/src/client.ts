/** Speaks with the housing system, over HTTP, and knows nothing of events. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { SinkOutcome } from '@causeway/runtime/adapter/sink';
import { errorCode } from '@causeway/runtime/errors';
import type { Source } from '@causeway/runtime/source/source';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Translated } from './translate.ts';

const CONTENT_TYPE = 'application/json';
const LARGEST = 100_000;
const ANSWER_MS = 10_000;

/** `POST /cases`: 202 once the case is on the bus or nobody asks for it, 422 for one that was kept unread, 503 to send again. */
export const caseDoor =
  (
    source: Pick<Source, 'accept' | 'deadLetter'>,
    translate: (raw: Buffer) => Translated,
    log: Logger,
  ): RequestListener =>
  async (request, response) => {
    try {
      if (request.method !== 'POST' || request.url !== '/cases')
        return answer(response, 404, { problem: 'POST /cases' });
      const raw = await bodyOf(request);
      if (raw === undefined) return answer(response, 413, { problem: `at most ${LARGEST} bytes` });
      const translated = translate(raw);
      if ('problem' in translated) {
        await source.deadLetter({ raw, reason: 'unreadable-case', attempts: 1, contentType: CONTENT_TYPE });
        return answer(response, 422, translated);
      }
      const { fate } = await source.accept({ raw, contentType: CONTENT_TYPE, content: raw, ...translated });
      answer(response, 202, { fate });
    } catch (error) {
      log.warn({ event: 'adapter.case_refused', code: errorCode(error) }, 'a case cannot be kept now');
      answer(response, 503, { problem: 'it cannot be kept now; send it again' });
    }
  };

const answer = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(JSON.stringify(body));
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LARGEST) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** Hands one notice over. The housing system takes the same id only once. */
export const sendNotice = async (
  url: string,
  id: string,
  notice: object,
  signal: AbortSignal,
): Promise<SinkOutcome> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': CONTENT_TYPE, 'idempotency-key': id },
      body: JSON.stringify(notice),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await response.body?.cancel();
    const status = String(response.status);
    if (response.ok) return { outcome: 'delivered', status, acknowledgement: { state: 'seen' } };
    if (response.status >= 500) return { outcome: 'retry', code: 'http', status, blame: 'receiver' };
    return { outcome: 'refused', code: 'http', status };
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    if (cause?.code === 'ECONNREFUSED') return { outcome: 'unreachable', code: 'not-connected' };
    return { outcome: 'retry', code: 'no-answer', blame: 'receiver' };
  }
};
