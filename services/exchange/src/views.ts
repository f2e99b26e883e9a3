import type { Codec, Projector } from '@causeway/runtime/avro/codec';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type Decision, reference } from '@causeway/runtime/disclosure/release-decision';
import { PermanentError } from '@causeway/runtime/errors';
import { type AvroSchema, leavesOf } from '@causeway/schemas/avro/schema';
import type { ReleasedAttribute } from '@causeway/schemas/catalogue/event-type';
import type { Generalise } from '@causeway/schemas/disclosure/generalisers';
import { deriveView, type Release, unionRelease, withoutLocations } from '@causeway/schemas/disclosure/view';

export type View = {
  id: number;
  generalise: Generalise;
  /** Attributes of the event that go with it. */
  attributes: readonly ReleasedAttribute[];
  /** Views of one shape have the same bytes for the same event: only their id differs. */
  shape: number;
  /** `<id>/<version>` of the agreements that it follows from. */
  agreements: string[];
  inbox: string;
};

/** A view, and how values of one writer schema become values of it. */
export type Carriage = { view: View; project: Projector };

/** For whom a view is: the parts of a decision that it follows from. */
export type Released = Pick<Decision & { outcome: 'released' }, 'recipient' | 'versions' | 'shielded'>;

export type Views = {
  /**
   * The registered view of an event type for what was decided, for values of a writer schema. Derived once; no promise
   * where it is known already, because this is asked for each release.
   * @throws RetryableError when the registry is away
   * @throws PermanentError `cannot-project` where the agreements have no view in common
   */
  carriageOf(writerId: number, type: string, released: Released): Carriage | Promise<Carriage>;
};

type Known = { released: Released; carriage: Carriage };

/** Views are Avro reader schemas: a field that no agreement releases has no place in them. */
export const createViews = (codec: Codec): Views => {
  const views = new Map<string, Promise<View>>();
  const shapes = new Map<string, number>();
  const ready = new Map<number, Map<string, Known[]>>();

  const shapeOf = (description: unknown): number => {
    const text = JSON.stringify(description);
    const shape = shapes.get(text) ?? shapes.size;
    shapes.set(text, shape);
    return shape;
  };

  const derive = async (writerId: number, type: string, released: Released): Promise<View> => {
    const { recipient, versions } = released;
    const agreements = versions.map(reference);
    const { schema, schemaId, release } = await releaseOf(codec, writerId, type, released);
    const view = projectable(() => deriveView(schema, release, { recipient, type, agreements }));
    const id = await codec.register(`view.${recipient}.${type}`, view, 'NONE');
    const { leaves, generalise, attributes = [] } = release;
    const shape = shapeOf([schemaId, leaves, generalise]);
    return { id, generalise, attributes, shape, agreements, inbox: topicsOf(recipient).inbox };
  };

  const viewOf = (writerId: number, type: string, released: Released): Promise<View> => {
    const { recipient, versions, shielded } = released;
    // Feedback has no agreement that pins it to a schema: its writer's own is the view.
    const pinned = versions.length > 0 ? versions.map(reference).sort() : [writerId];
    const key = [recipient, type, shielded, ...pinned].join(' ');
    const known = views.get(key);
    if (known) return known;
    const deriving = derive(writerId, type, released);
    views.set(key, deriving);
    deriving.catch(() => views.delete(key));
    return deriving;
  };

  const prepare = async (
    known: Known[],
    writerId: number,
    type: string,
    released: Released,
  ): Promise<Carriage> => {
    const view = await viewOf(writerId, type, released);
    const project = await codec.projector(writerId, view.id, view.generalise);
    const carriage = { view, project };
    known.push({ released, carriage });
    return carriage;
  };

  return {
    carriageOf: (writerId, type, released) => {
      const ofWriter = ready.get(writerId) ?? new Map<string, Known[]>();
      ready.set(writerId, ofWriter);
      // A writer's schema has one type: `decide-record` has checked that.
      const ofRecipient = ofWriter.get(released.recipient) ?? [];
      ofWriter.set(released.recipient, ofRecipient);
      const found = ofRecipient.find((known) => isSame(known.released, released));
      return found?.carriage ?? prepare(ofRecipient, writerId, type, released);
    },
  };
};

/** What is released, and the schema that it is pinned to. */
const releaseOf = async (
  codec: Codec,
  writerId: number,
  type: string,
  { versions, shielded }: Released,
): Promise<{ schema: AvroSchema; schemaId: number; release: Release }> => {
  if (versions.length === 0) {
    const schema = await codec.schemaOf(writerId);
    const leaves = leavesOf(schema).map(({ path }) => path);
    return { schema, schemaId: writerId, release: { leaves, generalise: {} } };
  }
  const releases = versions.flatMap(({ record }) => record.release[type] ?? []);
  const release = unionRelease(releases);
  if ('problem' in release) throw new PermanentError('cannot-project', release.problem);
  // Leaves are pinned to the schema of their agreement; the youngest of several has the leaves of all.
  const schemaId = Math.max(...releases.map((pinned) => pinned.schemaId));
  const schema = await codec.schemaOf(schemaId);
  return { schema, schemaId, release: shielded ? withoutLocations(release, schema) : release };
};

const projectable = <T>(derive: () => T): T => {
  try {
    return derive();
  } catch (error) {
    throw new PermanentError('cannot-project', 'The agreement releases what its schema has not', {
      cause: error,
    });
  }
};

/** Records of versions never change, so the same record is the same version. */
const isSame = (one: Released, other: Released): boolean =>
  one.shielded === other.shielded &&
  one.versions.length === other.versions.length &&
  one.versions.every(({ record }, index) => record === other.versions[index]?.record);
