import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro, { type Schema as RawSchema, type Type } from 'avsc';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';

export type RegistryOptions = {
  /** Base of the Confluent-compatible API, such as `http://127.0.0.1:8083/apis/ccompat/v7`. */
  registryUrl: string;
  timeoutMs?: number;
};

/** Each look-up throws RetryableError `registry-unavailable` during an outage. */
export type Registry = {
  /**
   * Registers a schema, or finds it where it is registered already, and sets the subject's rule.
   * @throws PermanentError `incompatible-schema` with the registry's list of differences
   */
  register(subject: string, schema: AvroSchema, compatibility: 'FULL_TRANSITIVE' | 'NONE'): Promise<number>;
  /** @throws PermanentError `unknown-schema` where exactly this schema is not registered under the subject */
  idOf(subject: string, schema: AvroSchema): Promise<number>;
  /** The schema as it was registered, with documentation and sensitivities. @throws PermanentError `unknown-schema` */
  schemaOf(id: number): Promise<AvroSchema>;
  /** The same, compiled. @throws PermanentError `unknown-schema` */
  typeOf(id: number): Promise<Type>;
};

const UNKNOWN_FOR_MS = 10_000;
const TIMEOUT_MS = 3_000;

const statusOf = (error: unknown): number | undefined => (error as { status?: number }).status;

const unavailable = (cause: unknown) =>
  new RetryableError('registry-unavailable', 'The schema registry did not answer. It is asked again.', {
    cause,
  });

/**
 * The only file that knows the registry's client, which does the look-ups. Types are kept here, because the client remembers no
 * failed look-up and has no time-out. Registration is a plain request: the client's `register` compares and overwrites the
 * compatibility rule of the subject. No connection is opened before the first look-up.
 */
export const createRegistry = (options: RegistryOptions, log: Logger): Registry => {
  const { registryUrl, timeoutMs = TIMEOUT_MS } = options;
  const texts = new Map<number, string>();
  const sources = new Map<number, AvroSchema>();
  const types = new Map<number, Promise<Type>>();
  const unknownUntil = new Map<number, number>();

  const client = new SchemaRegistry({
    host: registryUrl,
    retry: { retries: 1, maxRetryTimeInSecs: 1, initialRetryTimeInSecs: 0.1 },
    middlewares: [
      () => ({
        prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs }),
        // The client hands out compiled types only; documentation and sensitivities are in the text.
        response: async (next) => {
          const response = await next();
          const id = /\/schemas\/ids\/(\d+)/.exec(response.request().path())?.[1];
          const { schema } = response.data<{ schema?: string }>() ?? {};
          if (id && schema) texts.set(Number(id), schema);
          return response;
        },
      }),
    ],
  });

  const fetchType = async (id: number): Promise<Type> => {
    if (id < 1 || (unknownUntil.get(id) ?? 0) > Date.now()) throw unknownSchema(id);
    try {
      const type = (await client.getSchema(id)) as Type;
      if (type.typeName !== 'record') throw new TypeError(`schema ${id} is no record`);
      return type;
    } catch (error) {
      // A schema that came and cannot be used is not an outage: it will not change.
      const unusable = texts.has(id) && statusOf(error) === undefined;
      if (statusOf(error) !== 404 && !unusable) throw unavailable(error);
      if (unknownUntil.size > 10_000) unknownUntil.clear();
      unknownUntil.set(id, Date.now() + UNKNOWN_FOR_MS);
      throw unknownSchema(id);
    }
  };

  const typeOf = (id: number): Promise<Type> => {
    const known = types.get(id);
    if (known) return known;
    const loading = fetchType(id);
    types.set(id, loading);
    loading.catch(() => types.delete(id));
    return loading;
  };

  const schemaOf = async (id: number): Promise<AvroSchema> => {
    await typeOf(id);
    const known = sources.get(id);
    if (known) return known;
    const text = texts.get(id);
    if (text === undefined) throw unavailable(undefined);
    const schema: AvroSchema = JSON.parse(text);
    sources.set(id, schema);
    return schema;
  };

  return {
    async register(subject, schema, compatibility) {
      const id = await registerAt(options, subject, schema, compatibility);
      log.debug({ subject, id }, 'Schema registered');
      return id;
    },
    idOf: async (subject, schema) => {
      try {
        const text = JSON.stringify(schema);
        return await client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: text });
      } catch (error) {
        if (statusOf(error) !== 404 && (error as Error).name !== 'ConfluentSchemaRegistryError')
          throw unavailable(error);
        throw new PermanentError(
          'unknown-schema',
          `The schema of ${subject} is not registered as this program has it. Run the deployment step of this version first.`,
        );
      }
    },

    schemaOf,
    typeOf,
  };
};

const unknownSchema = (id: number) =>
  new PermanentError('unknown-schema', `No record schema with id ${id} is registered`);

const registerAt = async (
  { registryUrl, timeoutMs = TIMEOUT_MS }: RegistryOptions,
  ...[subject, schema, compatibility]: Parameters<Registry['register']>
): Promise<number> => {
  // A schema that avsc cannot compile would be found out by its first reader otherwise.
  avro.Type.forSchema(schema as unknown as RawSchema);
  const request = async (method: 'POST' | 'PUT', path: string, body: object) => {
    const answer = await fetch(`${registryUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs * 3),
    }).catch((error) => {
      throw unavailable(error);
    });
    if (answer.status === 409 || answer.status === 422)
      throw new PermanentError(
        'incompatible-schema',
        `The registry refuses the schema of ${subject}: ${await answer.text()}`,
      );
    if (!answer.ok) throw unavailable(new Error(`status ${answer.status}`));
    return answer.json();
  };
  const name = encodeURIComponent(subject);
  const { id } = (await request('POST', `/subjects/${name}/versions`, {
    schema: JSON.stringify(schema),
  })) as { id: number };
  // Only once the subject exists can it have a rule, and its rule does not override a global one.
  const setRule = () => request('PUT', `/config/${name}`, { compatibility });
  // Of two deployments that make the same rule at once the registry refuses one; asked again, it takes it as a change.
  if (compatibility !== 'NONE') await setRule().catch(setRule);
  return id;
};
