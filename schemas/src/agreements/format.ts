import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import agreementSchema from '../../agreement.schema.json' with { type: 'json' };
import type { Agreement, Found, Released } from '../disclosure/terms.ts';

/** The agreement as a file may write it: what has a default may be missing. */
export type AgreementFile = Omit<
  Agreement,
  'valid' | 'marking' | 'matching' | 'where' | 'history' | 'feedback' | 'release'
> & {
  valid: Omit<Agreement['valid'], 'graceDays'> & { graceDays?: number };
  marking: Omit<Agreement['marking'], 'handling'> & { handling?: string[] };
  matching?: Agreement['matching'];
  where?: Record<string, string | boolean | Array<string | boolean>>;
  history?: boolean;
  feedback?: boolean;
  release: Record<string, Partial<Released>>;
};

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
addFormats.default(ajv);
const validate = ajv.compile(agreementSchema);

/** Each is compared with all: of a text that is no agreement at all the first are enough. */
const MOST_ERRORS = 500;

/** What in a parsed agreement file breaks the published JSON Schema, one problem per place. */
export function schemaProblems(value: unknown): Found[] {
  if (validate(value)) return [];
  const errors = (validate.errors ?? [])
    .filter((error) => error.propertyName === undefined)
    .slice(0, MOST_ERRORS);
  const paths = errors.map(({ instancePath }) => instancePath);
  const seen = new Set<string>();
  return errors.flatMap((error) => {
    // A failed choice is reported with the failures of all its branches: the deepest says most.
    if (error.keyword === 'if') return [];
    const choice = error.keyword === 'oneOf' || error.keyword === 'anyOf';
    const deeper = paths.some((path) => path.startsWith(`${error.instancePath}/`));
    const chosen = errors.some((other) => other.instancePath === error.instancePath && isChoice(other));
    if (chosen && (!choice || deeper)) return [];
    const found = describe(error);
    const key = JSON.stringify([found.path, found.message]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [found];
  });
}

function isChoice({ keyword }: ErrorObject): boolean {
  return keyword === 'oneOf' || keyword === 'anyOf';
}

function describe(error: ErrorObject): Found {
  const path = steps(error.instancePath);
  const params: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
      return {
        path: [...path, String(params.additionalProperty)],
        atKey: true,
        message: 'is not part of an agreement',
      };
    case 'propertyNames':
      return {
        path: [...path, String(params.propertyName)],
        atKey: true,
        message: 'is not a valid name here',
      };
    case 'required':
    case 'dependentRequired':
      return { path, atKey: true, message: `${String(params.missingProperty)} is missing` };
    case 'enum':
      return { path, message: `must be one of ${listOf(params.allowedValues)}` };
    case 'format':
      return {
        path,
        message: params.format === 'date' ? 'must be a date (YYYY-MM-DD)' : 'must be a duration such as P2Y',
      };
    case 'type':
      return {
        path,
        message: `must be ${listOf(params.type)}${params.type === 'string' ? ' (quote it)' : ''}`,
      };
    case 'pattern':
      return { path, message: 'is not written as it must be here' };
    case 'oneOf':
    case 'anyOf':
      return { path, message: choiceMessage(path) };
    default:
      return { path, message: error.message ?? 'is not valid' };
  }
}

function choiceMessage(path: ReadonlyArray<string | number>): string {
  if (path[0] === 'audience') return 'must be all, originator or { knownAs: [...] }';
  if (path[0] === 'where') return 'must be a value or a list of values';
  return 'names neither fields nor generalise';
}

function listOf(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : String(values);
}

function steps(instancePath: string): Array<string | number> {
  return instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
