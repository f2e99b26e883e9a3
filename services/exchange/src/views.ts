import type { Codec, Projector } from '@causeway/runtime/avro';
import { reference } from '@causeway/runtime/decide';
import { PermanentError } from '@causeway/runtime/errors';
import type { VersionState } from '@causeway/schemas/agreement-log';
import type { Generalise } from '@causeway/schemas/generalisers';
import { deriveView, unionRelease } from '@causeway/schemas/view';

export type View = {
  id: number;
  generalise: Generalise;
  /** Views of one shape have the same bytes for the same event: only their id differs. */
  shape: string;
};

export type Views = {
  /**
   * The registered view of an event type for one recipient under these agreement versions, derived once.
   * @throws RetryableError when the registry is away
   * @throws PermanentError `cannot-project` where the agreements have no view in common
   */
  viewOf(recipient: string, type: string, versions: readonly VersionState[]): Promise<View>;
  projectorOf(writerId: number, view: View): Promise<Projector>;
};

/** Views are Avro reader schemas: a field that no agreement releases has no place in them. */
export const createViews = (codec: Codec): Views => {
  const views = new Map<string, Promise<View>>();

  const derive = async (
    recipient: string,
    type: string,
    versions: readonly VersionState[],
  ): Promise<View> => {
    const releases = versions.flatMap(({ record }) => record.release[type] ?? []);
    const release = unionRelease(releases);
    if ('problem' in release) throw new PermanentError('cannot-project', release.problem);
    // Leaves are pinned to the schema of their agreement; the youngest of several has the leaves of all.
    const schema = await codec.schemaOf(Math.max(...releases.map(({ schemaId }) => schemaId)));
    const view = deriveView(schema, release, { recipient, type, agreements: versions.map(reference) });
    const id = await codec.register(`view.${recipient}.${type}`, view, 'NONE');
    const shape = JSON.stringify([type, release.leaves, release.generalise]);
    return { id, generalise: release.generalise, shape };
  };

  return {
    viewOf: (recipient, type, versions) => {
      const key = [recipient, type, ...versions.map(reference).sort()].join(' ');
      const known = views.get(key);
      if (known) return known;
      const deriving = derive(recipient, type, versions);
      views.set(key, deriving);
      deriving.catch(() => views.delete(key));
      return deriving;
    },
    projectorOf: (writerId, view) => codec.projector(writerId, view.id, view.generalise),
  };
};
