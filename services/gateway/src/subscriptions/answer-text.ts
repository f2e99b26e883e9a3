/**
 * The beginning of what an endpoint answered, to find out why it failed. An endpoint may repeat what it was sent: numbers,
 * e-mail addresses, long words and every text of the event are taken out.
 */
export const answerText = (bytes: Buffer, data: unknown): string => {
  let text = bytes.toString('utf8').replaceAll(/[\p{C}\s]+/gu, ' ');
  for (const word of wordsIn(data)) text = text.replaceAll(new RegExp(escaped(word), 'gi'), '…');
  return text
    .replaceAll(/\S+@\S+/g, '…')
    .replaceAll(/[\w+/=-]{24,}/g, '…')
    .replaceAll(/\d/g, '#')
    .trim()
    .slice(0, LENGTH);
};

const LENGTH = 200;
const MOST_WORDS = 500;
const SHORTEST = 3;

/** Every word of every text in the data, the longest first. */
const wordsIn = (data: unknown): string[] => {
  const words = new Set<string>();
  const walk = (value: unknown): void => {
    if (words.size > MOST_WORDS) return;
    if (typeof value === 'string')
      for (const word of value.split(/[^\p{L}\p{N}'-]+/u)) if (word.length >= SHORTEST) words.add(word);
    if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) walk(one);
  };
  walk(data);
  return [...words].sort((a, b) => b.length - a.length);
};

const escaped = (word: string): string => word.replaceAll(/[\\^$.*+?()[\]{}|-]/g, '\\$&');
