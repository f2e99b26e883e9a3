import { type Links, NEAR, type Reach } from './identity-links.ts';

/** `verified`: by a certain identifier. `possible`: by name and date of birth only, which several people can share. */
export type Match = 'verified' | 'possible';

/** A person as an interest or a safeguard names one. */
export type NamedPerson = {
  /** One for each certain identifier, the source's own included. */
  tokens: readonly string[];
  /** The one of name and date of birth. */
  demographic?: string | undefined;
};

export type PersonIndex<T extends NamedPerson> = {
  set(key: string, entry: T): void;
  delete(key: string): void;
  values(): T[];
  /**
   * The entries about this person, by any of the tokens, over the links between identities. This is the one function that
   * compares people.
   */
  find(tokens: readonly string[], links: Links): { entry: T; match: Match }[];
};

/** `reach`: how far links are followed to find an entry. */
export const createPersonIndex = <T extends NamedPerson>(reach: Reach = NEAR): PersonIndex<T> => {
  const entries = new Map<string, T>();
  const keysByToken = new Map<string, Set<string>>();
  const tokensOf = ({ tokens, demographic }: NamedPerson) =>
    demographic === undefined ? tokens : [...tokens, demographic];

  const remove = (key: string) => {
    const known = entries.get(key);
    if (known === undefined) return;
    entries.delete(key);
    for (const token of tokensOf(known)) {
      const keys = keysByToken.get(token);
      keys?.delete(key);
      if (keys?.size === 0) keysByToken.delete(token);
    }
  };

  return {
    set: (key, entry) => {
      remove(key);
      entries.set(key, entry);
      for (const token of tokensOf(entry))
        keysByToken.set(token, (keysByToken.get(token) ?? new Set()).add(key));
    },
    delete: remove,
    values: () => [...entries.values()],
    find: (tokens, links) => {
      if (entries.size === 0) return [];
      const person = links.expand(tokens, reach);
      const keys = new Set([...person].flatMap((token) => [...(keysByToken.get(token) ?? [])]));
      return [...keys].flatMap((key): { entry: T; match: Match }[] => {
        const entry = entries.get(key);
        if (entry === undefined) return [];
        if (entry.tokens.some((token) => person.has(token))) return [{ entry, match: 'verified' }];
        return links.isRejected(person, entry.tokens) ? [] : [{ entry, match: 'possible' }];
      });
    },
  };
};

/** For whoever may not read the links between identities. */
export const NO_LINKS: Links = {
  expand: (tokens) => new Set(tokens),
  isRejected: () => false,
  all: () => [],
};
