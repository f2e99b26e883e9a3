import { Problem } from '@causeway/runtime/service/http-server';
import type { Request, Response } from 'express';
import type { BrowserSession } from '../access/viewer.ts';

/** Parts of a page that update themselves: their name in `data-live-region`, and their HTML as it is now. */
export type Regions = Record<string, string>;
export type LiveState = { text: string; live: boolean };
export type LiveContent = { state: LiveState; regions: Regions };

export type LiveParts = {
  /** Calls back whenever there may be something new, about every two seconds. */
  onLook(listener: () => void): () => void;
  clock: () => number;
  /** Aborted when the console stops: open streams end then. */
  signal: AbortSignal;
};

export type LiveStreams = ReturnType<typeof createLiveStreams>;

const MAX_STREAMS = 200;
/** A browser that takes nothing for this long is not watching. */
const MAX_UNREAD_BYTES = 1_048_576;

/**
 * Server-Sent Events for any page: `state` after every look, `region` where its HTML has changed. The page is complete without
 * them. A stream ends with the session, so no page is updated after it.
 */
export function createLiveStreams({ onLook, clock, signal }: LiveParts) {
  let open = 0;

  return function stream(
    _req: Request,
    res: Response,
    session: BrowserSession,
    content: () => Promise<LiveContent> | LiveContent,
  ): void {
    // Gone while the session was read: its close is over, and a watcher added now would never be removed.
    if (res.destroyed) return;
    if (open >= MAX_STREAMS)
      throw new Problem(
        503,
        'too-many-streams',
        'Too many open live pages',
        'Read the page without live updates.',
      );
    const sent = new Map<string, string>();
    let busy = false;
    let again = false;
    const send = (event: string, data: object) =>
      res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const end = () => void res.end();

    const tell = async () => {
      // What is being read may be older than what there is now.
      if (busy) {
        again = true;
        return;
      }
      if (clock() >= session.expiresAt || res.writableLength > MAX_UNREAD_BYTES) return end();
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
      if (!again) return;
      again = false;
      await tell();
    };
    const unsubscribe = onLook(() => void tell());
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
    void tell();
  };
}
