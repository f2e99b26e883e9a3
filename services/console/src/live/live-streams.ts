import { Problem } from '@causeway/runtime/service/http-server';
import type { Response } from 'express';
import type { BrowserSession } from '../access/viewer.ts';

/** Parts of a page that update themselves: their name in `data-live-region`, and their HTML as it is now. */
type Regions = Record<string, string>;
export type LiveState = { text: string; live: boolean };
type LiveContent = { state: LiveState; regions: Regions };

type LiveParts = {
  /** Calls back whenever there may be something new, about every two seconds. */
  onLook(listener: () => void): () => void;
  clock: () => number;
  /** Aborted when the console stops: open streams end then. */
  signal: AbortSignal;
};

export type EventStreams = ReturnType<typeof createEventStreams>;
export type LiveStreams = ReturnType<typeof createLiveStreams>;

const MAX_STREAMS = 200;
/** A browser that takes nothing for this long is not watching. */
const MAX_UNREAD_BYTES = 1_048_576;

/** Sends one event of a stream. */
export type SendEvent = (event: string, data: object) => void;

/** Opens streams of Server-Sent Events, together at most 200. A stream ends with the session, so no page is updated after it. */
export const createEventStreams = ({ onLook, clock, signal }: LiveParts) => {
  let open = 0;
  /** `tellWith` gets what sends an event, and gives what is called now and after every look. */
  return (res: Response, session: BrowserSession, tellWith: (send: SendEvent) => () => void): void => {
    // Gone while the session was read: its close is over, and a watcher added now would never be removed.
    if (res.destroyed) return;
    if (open >= MAX_STREAMS)
      throw new Problem(
        503,
        'too-many-streams',
        'Too many open live pages',
        'Read the page without live updates.',
      );
    const end = () => void res.end();
    const tellOn = tellWith((event, data) => {
      // The stream may have ended while the content was read.
      if (!res.writableEnded) res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    const tell = () => {
      if (clock() >= session.expiresAt || res.writableLength > MAX_UNREAD_BYTES) end();
      else tellOn();
    };
    const unsubscribe = onLook(tell);
    signal.addEventListener('abort', end);
    open += 1;
    res.on('close', () => {
      open -= 1;
      unsubscribe();
      signal.removeEventListener('abort', end);
    });
    res
      .status(200)
      .set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    res.flushHeaders();
    tell();
  };
};

/** The live regions of any page: `state` after every look, `region` where its HTML has changed. The page is complete without them. */
export const createLiveStreams =
  (openStream: EventStreams) =>
  (res: Response, session: BrowserSession, content: () => Promise<LiveContent> | LiveContent): void =>
    openStream(res, session, (send) => {
      const sent = new Map<string, string>();
      let busy = false;
      let again = false;
      const tell = async (): Promise<void> => {
        // What is being read may be older than what there is now.
        again = busy;
        if (busy) return;
        busy = true;
        try {
          const { state, regions } = await content();
          for (const [id, html] of Object.entries(regions)) {
            if (sent.get(id) === html) continue;
            sent.set(id, html);
            send('region', { id, html });
          }
          send('state', state);
        } catch {
          send('state', { text: 'These figures cannot be updated at the moment', live: false });
        } finally {
          busy = false;
        }
        if (again) await tell();
      };
      return () => void tell();
    });
