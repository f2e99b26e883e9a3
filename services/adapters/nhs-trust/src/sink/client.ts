/**
 * The other direction of MLLP: we connect to the trust's integration engine and send. One connection, one message in
 * flight. Only an acknowledgement that names our message (MSA-2) is an answer to it; anything else is passed over.
 */
import { connect, type Socket } from 'node:net';
import { parseMessage, segment, text } from '../hl7/parser.ts';
import { createFramer, frame } from '../mllp/framer.ts';

export type EngineAnswer =
  | { kind: 'answered'; code: string; text: string | undefined }
  /** Sent, and nothing came that names it. Whether the engine has it is not known. */
  | { kind: 'no-answer' }
  /** Nothing was sent. */
  | { kind: 'unreachable' };

export type EngineClient = {
  /** Sends one message and waits for its answer. One at a time: a second call waits for the first. */
  send(message: Buffer, controlId: string, signal: AbortSignal): Promise<EngineAnswer>;
  close(): void;
};

export type EngineClientOptions = { host: string; port: number; answerMs: number; connectMs: number };

const LARGEST_ANSWER = 200_000;

export const createEngineClient = ({
  host,
  port,
  answerMs,
  connectMs,
}: EngineClientOptions): EngineClient => {
  let socket: Socket | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const connected = (signal: AbortSignal): Promise<Socket | undefined> => {
    if (socket?.writable && !socket.destroyed) return Promise.resolve(socket);
    const fresh = connect({ host, port, noDelay: true, keepAlive: true });
    socket = fresh;
    // Errors are seen by whoever waits for an answer, and by the next attempt to send.
    fresh.on('error', () => fresh.destroy());
    fresh.on('end', () => fresh.destroy());
    return new Promise((resolve) => {
      const settle = (found: Socket | undefined) => {
        clearTimeout(late);
        signal.removeEventListener('abort', give);
        if (found === undefined) fresh.destroy();
        resolve(found);
      };
      const give = () => settle(undefined);
      const late = setTimeout(give, connectMs);
      signal.addEventListener('abort', give);
      fresh.once('connect', () => settle(fresh)).once('close', give);
    });
  };

  const exchange = async (message: Buffer, controlId: string, signal: AbortSignal): Promise<EngineAnswer> => {
    if (signal.aborted) return { kind: 'unreachable' };
    const to = await connected(signal);
    if (to === undefined) return { kind: 'unreachable' };
    const framer = createFramer(LARGEST_ANSWER);
    return new Promise((resolve) => {
      const settle = (answer: EngineAnswer) => {
        clearTimeout(late);
        to.off('data', onData).off('close', onClose);
        signal.removeEventListener('abort', giveUp);
        // A late answer must not be taken for the next message's, nor the next message stand behind this one.
        if (answer.kind !== 'answered') to.destroy();
        resolve(answer);
      };
      const onData = (chunk: Buffer) => {
        for (const found of framer.push(chunk)) {
          const answer = found.kind === 'message' ? answerTo(controlId, found.content) : undefined;
          if (answer !== undefined) return settle(answer);
        }
      };
      const onClose = () => settle({ kind: 'no-answer' });
      const giveUp = () => settle({ kind: 'no-answer' });
      const late = setTimeout(giveUp, answerMs);
      signal.addEventListener('abort', giveUp);
      to.on('data', onData).once('close', onClose);
      to.write(frame(message));
    });
  };

  return {
    send(message, controlId, signal) {
      const answer = turn.then(() => exchange(message, controlId, signal));
      turn = answer;
      return answer;
    },
    close: () => socket?.destroy(),
  };
};

const answerTo = (controlId: string, raw: Buffer): EngineAnswer | undefined => {
  const parsed = parseMessage(raw);
  if (parsed.kind !== 'message') return undefined;
  const msa = segment(parsed.message, 'MSA');
  if (text(parsed.message, msa, 2) !== controlId) return undefined;
  return { kind: 'answered', code: text(parsed.message, msa, 1) ?? '', text: text(parsed.message, msa, 3) };
};
