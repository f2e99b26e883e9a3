import type { Codec } from '@causeway/runtime/avro/codec';
import { isPermanent, RetryableError } from '@causeway/runtime/errors';
import type { AgreementsState } from '@causeway/schemas/agreements/log';
import { type DataFault, dataCheckerOf } from '@causeway/schemas/avro/json-schema';
import { type EventType, loadCatalogue } from '@causeway/schemas/catalogue/catalogue';

/** Every event type as a source may publish it. */
export type Types = {
  get(type: string): EventType | undefined;
  all(): readonly EventType[];
  /** @throws RetryableError while the registry is away or does not have it as this program does */
  schemaId(type: EventType): Promise<number>;
  faults(type: EventType, data: unknown): DataFault[];
};

export const createTypes = (codec: Pick<Codec, 'idOf' | 'schemaOf'>): Types => {
  const catalogue = new Map(loadCatalogue().map((one) => [one.type, one]));
  const checkers = new Map<string, (data: unknown) => DataFault[]>();
  const ids = new Map<string, Promise<number>>();
  const look = async ({ type, schema }: EventType): Promise<number> => {
    try {
      const id = await codec.idOf(type, schema);
      await codec.schemaOf(id);
      return id;
    } catch (error) {
      // Before the deployment step of this version has run: soon it will have.
      if (isPermanent(error)) throw new RetryableError(error.code, error.message, { cause: error });
      throw error;
    }
  };
  return {
    get: (type) => catalogue.get(type),
    all: () => [...catalogue.values()],
    schemaId: (type) => {
      const known = ids.get(type.type);
      if (known) return known;
      const looking = look(type);
      ids.set(type.type, looking);
      looking.catch(() => ids.delete(type.type));
      return looking;
    },
    faults: (type, data) => {
      const check = checkers.get(type.type) ?? dataCheckerOf(type.schema);
      checkers.set(type.type, check);
      return check(data);
    },
  };
};

/** Whether an agreement of the organisation names the type that is neither a draft nor ended. */
export const isShared = (state: AgreementsState, organisation: string, type: string): boolean => {
  for (const { record, status } of state.versions.values()) {
    if (record.agreement.from !== organisation || status === 'draft' || status === 'ended') continue;
    if (Object.hasOwn(record.release, type)) return true;
  }
  return false;
};
