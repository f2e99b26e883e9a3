import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';

let titles: Map<string, string> | undefined;

/** The title that the catalogue gives an event type; for one that it does not know, its name in words. */
export function eventTitle(type: string): string {
  titles ??= new Map(loadCatalogue().map((entry) => [entry.type, entry.title]));
  return titles.get(type) ?? inWords(type);
}

function inWords(type: string): string {
  const words = type
    .replace(/^uk\.causeway\./, '')
    .replace(/\.v\d+$/, '')
    .replace(/[.-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
