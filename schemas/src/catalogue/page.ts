import type { ActByRule, AvroEnum, AvroField, AvroRecord, AvroType, Deadline } from '../avro/schema.ts';
import { isArray, isEnum, isRecord, namedTypes } from '../avro/schema.ts';
import type { EventType } from './catalogue.ts';

type Named = AvroRecord | AvroEnum;

const DOMAINS: Readonly<Record<string, string>> = {
  council: 'Councils',
  exchange: 'Feedback',
  nhs: 'Hospitals and the NHS',
  police: 'Police',
};

/** `docs/catalogue.md`: every event type with its fields, then the records and code lists that they share. */
export function cataloguePage(catalogue: readonly EventType[]): string {
  const shared = sharedTypes(catalogue);
  const domains = Map.groupBy(catalogue, ({ type }) => type.split('.')[2] ?? '');
  const sections = [...domains].flatMap(([domain, types]) => [
    `## ${DOMAINS[domain] ?? domain}`,
    index(types),
    ...types.map((type) => eventSection(type, shared)),
  ]);
  return [
    '# Event catalogue',
    'Written by `npm run generate` from `schemas/events` and `schemas/common`. Do not edit.',
    INTRODUCTION,
    ...sections,
    '## Shared records and code lists',
    ...[...shared].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([, named]) => namedSection(named)),
  ]
    .join('\n\n')
    .concat('\n');
}

const INTRODUCTION = `A name such as \`nhs.death.notified\` stands for \`uk.causeway.nhs.death.notified.v1\`. Sensitivity tells what a field can betray: \`plain\`, \`identifier\`,
\`location\`, \`special-category\`, \`criminal\` or \`narrative\` (free text). A field may be null where its type ends with a question mark; every code has \`UNKNOWN\` as well. What a
recipient sees of a type is for agreements to say: nothing is released by default. "By" is when an event must have been acted on, counted from when it
happened; weekends are no working days, bank holidays are counted as if they were. Each type has a synthetic example beside its schema.`;

/** Records and enums that more than one event type uses, and what they use. */
function sharedTypes(catalogue: readonly EventType[]): Map<string, Named> {
  const uses = new Map<string, number>();
  const types = new Map<string, Named>();
  for (const { schema } of catalogue) {
    for (const [name, named] of namedTypes(schema)) {
      uses.set(name, (uses.get(name) ?? 0) + 1);
      if (!types.has(name)) types.set(name, named);
    }
  }
  return new Map([...types].filter(([name]) => (uses.get(name) ?? 0) > 1));
}

function index(types: readonly EventType[]): string {
  const rows = types.map(({ type, title, defaultPriority, actBy, siblingOf }) => {
    const takesBack = siblingOf.map((base) => `\`${short(base)}\``).join(', ');
    return `| [\`${short(type)}\`](#${anchor(type)}) | ${title} | ${defaultPriority} | ${actBy ? deadlines(actBy) : ''} | ${takesBack} |`;
  });
  return ['| type | | priority | by | takes back or corrects |', '|---|---|---|---|---|', ...rows].join('\n');
}

const short = (type: string): string => type.replace(/^uk\.causeway\./, '').replace(/\.v1$/, '');

// Headings are the short names: what makes anchors of them drops the dots.
const anchor = (type: string): string => short(type).replaceAll('.', '');

function deadlines(rule: ActByRule): string {
  if (!('by' in rule)) return deadline(rule);
  return Object.entries(rule.cases)
    .map(([value, each]) => `${value}: ${deadline(each)}${each.priority ? `, ${each.priority}` : ''}`)
    .join('; ');
}

function deadline(rule: Deadline): string {
  if ('before' in rule) return 'before the next school day';
  const [, count = '', unit] = /^P(?:T)?(\d+)([DH])$/.exec(rule.within) ?? [];
  const word = { elapsed: '', 'working-hours': 'working ', 'working-days': 'working ' }[rule.counted];
  return `${count} ${word}${unit === 'D' ? 'day' : 'hour'}${count === '1' ? '' : 's'}`;
}

function eventSection({ type, schema }: EventType, shared: ReadonlyMap<string, Named>): string {
  const own = [...namedTypes(schema)].filter(([name, named]) => named !== schema && !shared.has(name));
  return [
    `### ${short(type)}`,
    schema.doc ?? '',
    fieldTable(schema),
    ...own.map(([, named]) => ownType(named)),
  ].join('\n\n');
}

function fieldTable(record: AvroRecord): string {
  const rows = record.fields.map(
    (field) =>
      `| \`${field.name}\` | ${typeText(field)} | ${field.sensitivity ?? ''} | ${cell(field.doc ?? '')} |`,
  );
  return ['| field | type | sensitivity | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function typeText({ type, format }: AvroField): string {
  const nullable = Array.isArray(type);
  const inner = nullable ? (type[1] as AvroType) : type;
  const list = typeof inner === 'object' && !Array.isArray(inner) && isArray(inner);
  return `${list ? `list of ${nameOf(inner.items)}` : (format ?? nameOf(inner))}${nullable ? '?' : ''}`;
}

function nameOf(type: AvroType): string {
  const name = typeof type === 'string' ? type : isRecord(type) || isEnum(type) ? type.name : '';
  return name.slice(name.lastIndexOf('.') + 1);
}

function ownType(named: Named): string {
  if (named.type === 'enum') return `${named.name}: ${symbols(named)}. ${named.doc ?? ''}`;
  return `${named.name}: ${named.doc ?? ''}\n\n${fieldTable(named)}`;
}

function namedSection(named: Named): string {
  const body = named.type === 'enum' ? `Codes: ${symbols(named)}.` : fieldTable(named);
  return `### ${named.name.slice(named.name.lastIndexOf('.') + 1)}\n\n${named.doc ?? ''}\n\n${body}`;
}

const symbols = ({ symbols: all }: AvroEnum): string => all.map((symbol) => `\`${symbol}\``).join(', ');

const cell = (text: string): string => text.replaceAll('|', '\\|');
