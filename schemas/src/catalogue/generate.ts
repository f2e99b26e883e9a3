import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AvroField, AvroRecord, AvroType } from '../avro/schema.ts';
import { isArray, isEnum, isRecord } from '../avro/schema.ts';
import { loadCatalogue } from './catalogue.ts';
import { cataloguePage } from './page.ts';

/** Writes the TypeScript types and `docs/catalogue.md` from the catalogue; with `--check` only says whether they would change. */

const TYPES = join(import.meta.dirname, '../generated/types.ts');
const PAGE = join(import.meta.dirname, '../../../docs/catalogue.md');

const generated = (): [path: string, text: string][] => [
  [TYPES, generateTypes()],
  [PAGE, cataloguePage(loadCatalogue())],
];

const PRIMITIVE_TYPES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  double: 'number',
  string: 'string',
};

/** The text of the generated file: one type per record and enum, and `EventData` by event type. */
export function generateTypes(): string {
  const catalogue = loadCatalogue();
  const declarations = new Map<string, string>();
  for (const { schema } of catalogue) declare(schema, declarations);
  const events = catalogue.map(({ type, schema }) => `  '${type}': ${simpleName(schema.name)};`);
  return [
    '// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.\n',
    ...[...declarations.entries()].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([, text]) => text),
    `export type EventData = {\n${events.join('\n')}\n};\n`,
  ].join('\n');
}

function declare(type: AvroType, declarations: Map<string, string>): void {
  if (typeof type === 'string') return;
  if (Array.isArray(type)) {
    for (const branch of type) declare(branch, declarations);
  } else if (isArray(type)) {
    declare(type.items, declarations);
  } else {
    const name = simpleName(type.name);
    if (isRecord(type)) {
      for (const field of type.fields) declare(field.type, declarations);
      setOnce(declarations, name, declareRecord(type, name));
    } else if (isEnum(type)) {
      const symbols = type.symbols.map((symbol) => `'${symbol}'`).join(' | ');
      setOnce(declarations, name, `${comment(type.doc, '')}export type ${name} = ${symbols};\n`);
    }
  }
}

function setOnce(declarations: Map<string, string>, name: string, text: string): void {
  const known = declarations.get(name);
  if (known !== undefined && known !== text) throw new Error(`two different types are called ${name}`);
  declarations.set(name, text);
}

function declareRecord(record: AvroRecord, name: string): string {
  const fields = record.fields.map((field) => comment(field.doc, '  ') + declareField(field));
  return `${comment(record.doc, '')}export type ${name} = {\n${fields.join('')}};\n`;
}

// A nullable field may be left out when writing: its default is null. New ones can then be added without
// touching the adapters that do not know them.
function declareField(field: AvroField): string {
  return `  ${field.name}${Array.isArray(field.type) ? '?' : ''}: ${typeText(field.type)};\n`;
}

function typeText(type: AvroType): string {
  if (typeof type === 'string') return PRIMITIVE_TYPES[type] ?? simpleName(type);
  if (Array.isArray(type)) {
    const [, held] = type;
    return `${held === undefined ? 'never' : typeText(held)} | null`;
  }
  return isArray(type) ? `${typeText(type.items)}[]` : simpleName(type.name);
}

function comment(doc: string | undefined, indent: string): string {
  return doc ? `${indent}/** ${doc.replaceAll('*/', '* /')} */\n` : '';
}

function simpleName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** Whether the committed files are what the catalogue generates. */
export function isCurrent(): boolean {
  try {
    return generated().every(([path, text]) => readFileSync(path, 'utf8') === text);
  } catch {
    return false;
  }
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    for (const [path, text] of generated()) writeFileSync(path, text);
  } else if (!isCurrent()) {
    process.stderr.write('the types or docs/catalogue.md are out of date: run `npm run generate`\n');
    process.exitCode = 1;
  }
}
