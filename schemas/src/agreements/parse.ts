import { type Document, LineCounter, parseDocument } from 'yaml';
import type { EventType } from '../catalogue/catalogue.ts';
import type { Agreement } from './agreement.ts';
import { checkAgreement } from './checks.ts';
import { type AgreementFile, type Found, schemaProblems } from './format.ts';
import { at, offsetOf } from './position.ts';
import { expandAgreement } from './release.ts';

/** What is wrong with an agreement file, and where. Lines and columns start at 1. */
type AgreementProblem = { file: string; line: number; column: number; message: string };

type ParsedAgreement = { agreement: Agreement } | { problems: AgreementProblem[] };

/** Keys are compared with each other: a text of nothing but short keys would hold a service up for half a minute. */
const LONGEST_TEXT = 32_768;

/**
 * Reads one agreement in YAML: its form against the published JSON Schema, then what the form cannot say. With a
 * catalogue it also checks that every event type, path and condition exists. All problems are returned together.
 */
export function parseAgreement(
  yamlText: string,
  fileName: string,
  catalogue?: readonly EventType[],
): ParsedAgreement {
  if (yamlText.length > LONGEST_TEXT)
    return {
      problems: [
        {
          file: fileName,
          line: 1,
          column: 1,
          message: `is longer than ${LONGEST_TEXT} characters, which no agreement is`,
        },
      ],
    };
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    return {
      problems: broken.map(({ pos, message }) => ({ file: fileName, ...at(lines, pos[0]), message })),
    };
  }
  const read = readValue(document);
  if ('problem' in read) return { problems: [{ file: fileName, ...at(lines, 0), message: read.problem }] };
  const found = schemaProblems(read.value);
  if (found.length > 0) return { problems: locate(found, document, lines, fileName) };
  const agreement = withDefaults(read.value as AgreementFile);
  const wrong = [
    ...checkAgreement(agreement),
    ...(catalogue ? expandAgreement(agreement, catalogue).problems : []),
  ];
  return wrong.length > 0 ? { problems: locate(wrong, document, lines, fileName) } : { agreement };
}

/** `file:line:column: message`, as editors and terminals understand it. */
export function describeProblem({ file, line, column, message }: AgreementProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

// Aliases that unfold into each other without end are refused by the YAML library when they are unfolded.
function readValue(document: Document): { value: unknown } | { problem: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch {
    return { problem: 'its aliases cannot be resolved' };
  }
}

function locate(
  found: readonly Found[],
  document: Document,
  lines: LineCounter,
  fileName: string,
): AgreementProblem[] {
  return found
    .map(({ path, atKey, message }) => {
      const where = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
      return {
        file: fileName,
        ...at(lines, offsetOf(document, path, atKey ?? false)),
        message: where ? `${where.replace(/^\./, '')}: ${message}` : message,
      };
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function withDefaults(file: AgreementFile): Agreement {
  const where = Object.entries(file.where ?? {}).map(([path, values]) => [
    path,
    Array.isArray(values) ? values : [values],
  ]);
  const release = Object.entries(file.release).map(
    ([type, { fields = [], generalise = {}, necessity = {} }]) => [type, { fields, generalise, necessity }],
  );
  return {
    ...file,
    valid: { graceDays: 0, ...file.valid },
    marking: { handling: [], ...file.marking },
    matching: file.matching ?? 'verified',
    where: Object.fromEntries(where),
    history: file.history ?? false,
    feedback: file.feedback ?? false,
    release: Object.fromEntries(release),
  };
}
