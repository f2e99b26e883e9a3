/** Whether a slash behind this divides; otherwise it begins a regular expression. */
const divides = (head: string) => /[\w$)\]'"`]$/.test(head) && !/\b(?:return|case|typeof|of|in)$/.test(head);

/** The texts of the string and template literals of a TypeScript source, as written, with where each begins. */
export function literals(source: string): { text: string; at: number }[] {
  const found: { text: string; at: number }[] = [];
  let at = 0;

  function quoted(quote: string): void {
    const start = ++at;
    while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1;
    found.push({ text: source.slice(start, at++), at: start });
  }

  function template(): void {
    let start = ++at;
    while (at < source.length && source[at] !== '`') {
      if (source.startsWith('${', at)) {
        const head = { text: source.slice(start, at), at: start };
        at += 2;
        code('}');
        found.push(head);
        start = ++at;
      } else at += source[at] === '\\' ? 2 : 1;
    }
    found.push({ text: source.slice(start, at++), at: start });
  }

  function regularExpression(): void {
    for (let inClass = false; ++at < source.length && (inClass || source[at] !== '/'); ) {
      if (source[at] === '\\') at++;
      else if (source[at] === '[') inClass = true;
      else if (source[at] === ']') inClass = false;
    }
    at++;
  }

  /** Runs to the closing brace that belongs to no other, or to the end. */
  function code(end?: '}'): void {
    for (let depth = 0; at < source.length; ) {
      const c = source[at] as string;
      if (source.startsWith('//', at)) at = (source.indexOf('\n', at) + 1 || source.length + 1) - 1;
      else if (source.startsWith('/*', at)) at = source.indexOf('*/', at) + 2;
      else if (/\s/.test(c)) at++;
      else {
        if (end && c === '}' && depth === 0) return;
        if (c === '{') depth++;
        if (c === '}') depth--;
        if (c === "'" || c === '"') quoted(c);
        else if (c === '`') template();
        else if (c === '/' && !divides(source.slice(Math.max(0, at - 80), at).trimEnd())) regularExpression();
        else at++;
      }
    }
  }

  code();
  return found;
}
