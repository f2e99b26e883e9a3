/** A reader of Server-Sent Events for tests: every message as it comes, also those that a browser would not show. */
export type Message = { id?: string; event?: string; data?: string; comment?: string };

export type EventSource = {
  status: number;
  headers: Headers;
  /** The next message; undefined at the end. */
  next(): Promise<Message | undefined>;
  /** The next `count` messages with data. */
  take(count: number): Promise<Message[]>;
  close(): void;
};

export const openStream = async (
  url: string,
  token: string,
  headers: Record<string, string> = {},
): Promise<EventSource> => {
  const closing = new AbortController();
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: closing.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Message | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        return messageOf(block);
      }
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) return undefined;
      text += value;
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    next,
    take: async (count) => {
      const taken: Message[] = [];
      while (taken.length < count) {
        const message = await next();
        if (message === undefined) throw new Error(`the stream ended after ${taken.length} messages`);
        if (message.data !== undefined) taken.push(message);
      }
      return taken;
    },
    close: () => closing.abort(),
  };
};

const messageOf = (block: string): Message => {
  const message: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    message[colon === 0 ? 'comment' : line.slice(0, colon)] = line.slice(colon + 1).trimStart();
  }
  return message;
};
