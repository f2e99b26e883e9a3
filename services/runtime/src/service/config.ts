import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Configuration is environment variables, read once at start, checked all together. On a laptop nothing has to
 * be set; with NODE_ENV=production a development default counts as missing.
 */

/** One zod schema per environment variable. */
export type Shape = Record<string, z.ZodType>;
/** What `loadConfig` makes of a shape: an object keyed by variable name. */
export type Config<S extends Shape> = { readonly [K in keyof S]: z.infer<S[K]> };
export type Environment = Record<string, string | undefined>;
type ConfigProblem = { variable: string; message: string };

/** Every problem of the configuration at once; the message has a line for each. Values are never repeated. */
export class ConfigError extends Error {
  readonly code = 'configuration';
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[]) {
    const count = problems.length === 1 ? '1 setting is' : `${problems.length} settings are`;
    const lines = problems.map(({ variable, message }) => `  ${variable} ${message}`);
    super([`${count} missing or wrong:`, ...lines].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

type DevelopmentDefault<T> = { readonly developmentDefault: T };
type Default<T> = T | DevelopmentDefault<T>;

const developmentDefaults = z.registry<{ value: string }>();
const productionRules = z.registry<{ refuse: (value: unknown, given: Given) => string | undefined }>();
/** The text that another variable was given, or undefined. */
type Given = (variable: string) => string | undefined;

/** A default that serves on a laptop and counts as missing where NODE_ENV is `production`. */
export function developmentDefault<T extends string | number | boolean>(value: T): DevelopmentDefault<T> {
  return { developmentDefault: value };
}

/**
 * The same schema with a rule that counts where NODE_ENV is `production`. The rule answers what is wrong with a value in words
 * that follow the name of the variable and do not repeat the value, or undefined. It may ask what another variable was given.
 */
export function inProduction<T>(
  schema: z.ZodType<T>,
  refuse: (value: T, given: Given) => string | undefined,
): z.ZodType<T> {
  return schema.register(productionRules, { refuse: (value, given) => refuse(value as T, given) });
}

/** Any text that is not empty. */
export function text(fallback?: Default<string>) {
  return withDefault(z.string().min(1).describe('some text'), fallback);
}

/** A secret of at least 16 characters. It has no default, in development neither; production refuses what people type. */
export function secret(): z.ZodType<string> {
  const schema = z.string().min(MIN_SECRET).describe(`a secret of at least ${MIN_SECRET} characters`);
  return inProduction(schema, refuseGuessable);
}

/**
 * One or more secrets separated by commas, so that one can be replaced while the old one still counts. `first` says what only the first one does.
 */
export function secrets(first: string): z.ZodType<string[]> {
  const schema = list()
    .refine((keys) => keys.every((key) => key.length >= MIN_SECRET))
    .describe(
      `one or more keys of at least ${MIN_SECRET} characters separated by commas; the first one ${first}`,
    );
  return inProduction(schema, (keys) => keys.map(refuseGuessable).find((problem) => problem !== undefined));
}

/** What no generator makes: few different characters, or one of the words that stand in examples. */
export function refuseGuessable(value: string): string | undefined {
  const typed = /change.?me|password|secret|example|causeway|development|default/i.test(value);
  if (!typed && new Set(value).size >= MIN_DIFFERENT) return undefined;
  return 'can be guessed; make a random one, for example with: openssl rand -base64 32';
}

const MIN_DIFFERENT = 8;
const MIN_SECRET = 16;

/** A whole number within the given bounds, in decimal digits. */
export function integer(fallback?: Default<number>, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const schema = z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
  return withDefault(schema.describe(`a whole number ${bounds}`), fallback);
}

/** A TCP port; 0 lets the system choose. */
export function port(fallback?: Default<number>) {
  return integer(fallback, { min: 0, max: 65_535 });
}

/** `true` or `false` (also yes/no, on/off, 1/0). */
export function flag(fallback?: Default<boolean>) {
  const schema = z.stringbool({ truthy: ['true', 'yes', 'on', '1'], falsy: ['false', 'no', 'off', '0'] });
  return withDefault(schema.describe('true or false'), fallback);
}

/** Parts separated by commas, spaces around them dropped; an empty list only through the default. */
export function list(fallback?: Default<string> | readonly string[]) {
  const parts = z.string().transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );
  const schema = parts.pipe(z.array(z.string()).min(1)).describe('one or more values separated by commas');
  if (Array.isArray(fallback)) return schema.default([...fallback]);
  return withDefault(schema, fallback as Default<string> | undefined);
}

/** An absolute URL, kept as text. A trailing slash is dropped, so that paths can be appended. */
export function url(fallback?: Default<string>) {
  const schema = z
    .string()
    .refine(URL.canParse)
    .transform((value) => value.replace(/\/+$/, ''));
  return withDefault(schema.describe('an absolute URL, such as https://host.example/path'), fallback);
}

/** One of a closed set of words. */
export function choice<const W extends string>(words: readonly [W, ...W[]], fallback?: Default<W>) {
  return withDefault(z.enum(words).describe(`one of: ${words.join(', ')}`), fallback);
}

/** Of every service; `runService` adds them to any shape. */
export const serviceSettings = {
  ADMIN_HOST: text('127.0.0.1'),
  ADMIN_PORT: port(0),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  /** A collector of OpenTelemetry traces, OTLP over HTTP; nothing is traced without one. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url().optional(),
  /** Share of the traces that begin at this service and are kept. */
  OTEL_TRACES_SAMPLER_ARG: text('1')
    .refine((share) => /^(0(\.\d+)?|1(\.0+)?)$/.test(share))
    .describe('a share from 0 to 1'),
};

/** Of every service that speaks to Kafka. KAFKA_CA_FILE is the path of a PEM file. */
export const kafkaSettings = {
  KAFKA_BROKERS: list(developmentDefault('127.0.0.1:9092')),
  KAFKA_USERNAME: inProduction(text(), (name) =>
    ['ADMIN', 'ANONYMOUS'].includes(name.toUpperCase())
      ? 'is not the log-in of one service; each service and organisation has its own'
      : undefined,
  ),
  KAFKA_PASSWORD: secret(),
  /** Also tried, so that the password at the broker can change before or after this service is restarted. */
  KAFKA_PASSWORD_PREVIOUS: secret().optional(),
  KAFKA_TLS: inProduction(flag(developmentDefault(false)), (tls) =>
    tls ? undefined : 'is false; Kafka is spoken over TLS in production: set it to true',
  ),
  KAFKA_CA_FILE: text().optional(),
};

/** The Confluent-compatible API of the schema registry. */
export const registrySettings = {
  SCHEMA_REGISTRY_URL: url(developmentDefault('http://127.0.0.1:8083/apis/ccompat/v7')),
};

/** A connection string of a database; it holds a password, which production looks at, and therefore has no default. */
export const databaseUrl = () => inProduction(url(), refusePassword);

/** The same where there may be none. */
export const optionalDatabaseUrl = () =>
  inProduction(url().optional(), (address) => (address === undefined ? undefined : refusePassword(address)));

function refusePassword(address: string): string | undefined {
  const { username, password } = new URL(address);
  if (password === '') return undefined;
  return password === username ? 'has the user name as its password' : refuseGuessable(password);
}

/** The PostgreSQL of our own services. */
export const databaseSettings = { DATABASE_URL: databaseUrl() };

/**
 * Of every service that makes pseudonyms. With the previous key what was made with it is still found: `docs/operating/keys.md` says
 * how the key is changed.
 */
export const partnershipSettings = {
  PARTNERSHIP_KEY: secret(),
  PARTNERSHIP_KEY_PREVIOUS: secret().optional(),
};

/** The issuer of access and identity tokens, exactly as it stands in their `iss` claim. */
export const oidcSettings = {
  OIDC_ISSUER: inProduction(
    withDefault(
      z.string().refine(URL.canParse).describe('the issuer URL'),
      developmentDefault('http://127.0.0.1:8082'),
    ),
    (issuer) => (issuer.startsWith('https://') ? undefined : 'is not an https address'),
  ),
};

/**
 * Reads the variables of `shape` from `env`. For any NAME, NAME_FILE may name a file that holds the value
 * instead (trailing line breaks are dropped). An empty variable counts as not set.
 * @throws ConfigError with every problem found
 */
export function loadConfig<S extends Shape>(shape: S, env: Environment = process.env): Config<S> {
  const problems: ConfigProblem[] = [];
  const config: Record<string, unknown> = {};
  for (const [variable, schema] of Object.entries(shape)) {
    const found = readSetting(variable, schema, env);
    if ('problem' in found) problems.push({ variable, message: found.problem });
    else config[variable] = found.value;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as Config<S>;
}

function readSetting(
  variable: string,
  schema: z.ZodType,
  env: Environment,
): { value: unknown } | { problem: string } {
  const raw = rawValue(variable, env);
  if ('problem' in raw) return raw;
  const fallback = developmentDefaults.get(schema)?.value;
  const production = env.NODE_ENV === 'production';
  const given = raw.value ?? (production ? undefined : fallback);
  if (production && given !== undefined && given === fallback)
    return { problem: 'has the value that is for development only; set it to that of the real part' };
  const parsed = schema.safeParse(given);
  if (parsed.success) {
    const others = (other: string) => {
      const answer = rawValue(other, env);
      return 'value' in answer ? answer.value : undefined;
    };
    const refused = production ? productionRules.get(schema)?.refuse(parsed.data, others) : undefined;
    return refused === undefined ? { value: parsed.data } : { problem: refused };
  }
  const wanted = `set it to ${schema.description ?? 'a valid value'}, or ${variable}_FILE to a file that holds it`;
  if (given !== undefined) return { problem: `is not valid; ${wanted}` };
  const why = production && fallback !== undefined ? ' and has no default in production' : '';
  return { problem: `is not set${why}; ${wanted}` };
}

function rawValue(variable: string, env: Environment): { value: string | undefined } | { problem: string } {
  const value = env[variable] || undefined;
  const file = env[`${variable}_FILE`] || undefined;
  if (file === undefined) return { value };
  if (value !== undefined)
    return { problem: `is set twice: as ${variable} and as ${variable}_FILE; keep one` };
  try {
    return { value: readFileSync(file, 'utf8').replace(/[\r\n]+$/, '') || undefined };
  } catch {
    return { problem: `cannot be read: ${variable}_FILE must name a file that this process may read` };
  }
}

function withDefault<T>(
  schema: z.ZodType<T>,
  fallback: Default<string | number | boolean> | undefined,
): z.ZodType<T> {
  if (fallback === undefined) return schema;
  if (typeof fallback === 'object') {
    return schema.register(developmentDefaults, { value: String(fallback.developmentDefault) });
  }
  // Through the schema, so that a default outside its own bounds is noticed at once.
  return z
    .preprocess((value) => value ?? String(fallback), schema)
    .describe(schema.description ?? 'a valid value');
}
