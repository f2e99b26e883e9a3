/** What a code means, in capitals and without spaces around it; undefined for one that is not in the list. */
export type CodeList<Word> = (code: string | null | undefined) => Word | undefined;

/** A list of codes by the words that they mean: each word with its codes in capitals, separated by spaces. */
export const codeList = <Word extends string>(
  groups: Record<Exclude<Word, 'UNKNOWN'>, string> & { UNKNOWN?: string },
): CodeList<Word> => {
  const words = new Map(
    Object.entries(groups).flatMap(([word, codes]) => codes.split(' ').map((code) => [code, word as Word])),
  );
  return (code) => words.get(code?.trim().toUpperCase() ?? '');
};
