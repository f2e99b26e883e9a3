import type { Codec, Projector } from '@causeway/runtime/avro';
import { reference } from '@causeway/runtime/decide';
import { PermanentError } from '@causeway/runtime/errors';
import { topicsOf } from '@causeway/runtime/topology';
import type { VersionState } from '@causeway/schemas/agreement-log';
import type { Generalise } from '@causeway/schemas/generalisers';
import { deriveView, unionRelease } from '@causeway/schemas/view';

export type View = {
  id: number;
  generalise: Generalise;
  /** Views of one shape have the same bytes for the same event: only their id differs. */
  shape: number;
  /** `<id>/<version>` of the agreements that it follows from. */
  agreements: string[];
  inbox: string;
};

/** A view, and how values of one writer schema become values of it. */
export type Carriage = { view: View; project: Projector };

export type Views = {
  /**
   * The registered view of an event type for one recipient under these agreement versions, for values of a writer
   * schema. Derived once; no promise where it is known already, because this is asked for each release.
   * @throws RetryableError when the registry is away
   * @throws PermanentError `cannot-project` where the agreements have no view in common
   */
  carriageOf(
    writerId: number,
    recipient: string,
    type: string,
    versions: readonly VersionState[],
  ): Carriage | Promise<Carriage>;
};

type Known = { versions: readonly VersionState[]; carriage: Carriage };

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

  const derive = async (
    recipient: string,
    type: string,
    versions: readonly VersionState[],
  ): Promise<View> => {
    const releases = versions.flatMap(({ record }) => record.release[type] ?? []);
    const release = unionRelease(releases);
    if ('problem' in release) throw new PermanentError('cannot-project', release.problem);
    const agreements = versions.map(reference);
    // Leaves are pinned to the schema of their agreement; the youngest of several has the leaves of all.
    const schema = await codec.schemaOf(Math.max(...releases.map(({ schemaId }) => schemaId)));
    const view = deriveView(schema, release, { recipient, type, agreements });
    const id = await codec.register(`view.${recipient}.${type}`, view, 'NONE');
    const shape = shapeOf([type, release.leaves, release.generalise]);
    return { id, generalise: release.generalise, shape, agreements, inbox: topicsOf(recipient).inbox };
  };

  const viewOf = (recipient: string, type: string, versions: readonly VersionState[]): Promise<View> => {
    const key = [recipient, type, ...versions.map(reference).sort()].join(' ');
    const known = views.get(key);
    if (known) return known;
    const deriving = derive(recipient, type, versions);
    views.set(key, deriving);
    deriving.catch(() => views.delete(key));
    return deriving;
  };

  const prepare = async (
    known: Known[],
    writerId: number,
    recipient: string,
    type: string,
    versions: readonly VersionState[],
  ): Promise<Carriage> => {
    const view = await viewOf(recipient, type, versions);
    const project = await codec.projector(writerId, view.id, view.generalise);
    const carriage = { view, project };
    known.push({ versions, carriage });
    return carriage;
  };

  return {
    carriageOf: (writerId, recipient, type, versions) => {
      const ofWriter = ready.get(writerId) ?? new Map<string, Known[]>();
      ready.set(writerId, ofWriter);
      // A writer's schema has one type: `decide-record` has checked that.
      const ofRecipient = ofWriter.get(recipient) ?? [];
      ofWriter.set(recipient, ofRecipient);
      const found = ofRecipient.find((known) => sameVersions(known.versions, versions));
      return found?.carriage ?? prepare(ofRecipient, writerId, recipient, type, versions);
    },
  };
};

/** Records of versions never change, so the same record is the same version. */
const sameVersions = (some: readonly VersionState[], others: readonly VersionState[]): boolean =>
  some.length === others.length && some.every(({ record }, index) => record === others[index]?.record);
