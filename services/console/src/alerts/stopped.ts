import type { PartState } from '../parts/parts.ts';
import type { Viewer } from '../sign-in/guard.ts';
import { momentInWords } from '../web/wording.ts';
import { partWords } from '../web/words-for-parts.ts';
import { maySee, nameIn, type World } from '../web/world.ts';

export type Stopped = { name: string; title: string; meaning: string; todo: string; since: string };

/** Parts that do not work now, each as what it is: shared ones for everybody, an adapter for its own organisation. */
export function stoppedParts(world: World, viewer: Viewer, now: number): Stopped[] {
  const nameOf = nameIn(world);
  return allParts(world)
    .filter(({ organisation }) => organisation === undefined || maySee(viewer, organisation))
    .filter(({ status }) => status === 'away' || status === 'not-ready')
    .map((part) => {
      const words = partWords(part, nameOf);
      const does = part.status === 'away' ? 'does not answer' : 'is not ready';
      return {
        name: part.name,
        title: `${words.title} ${does}`,
        meaning: part.detail ? `${words.meaning} It says: ${part.detail}.` : words.meaning,
        todo: words.todo,
        since: momentInWords(part.since, now),
      };
    });
}

function allParts(world: World): PartState[] {
  const { connection } = world.measured();
  const kafka =
    connection.status === 'away'
      ? [{ name: 'kafka', status: 'away' as const, since: connection.since, detail: '' }]
      : [];
  return [...kafka, ...world.parts()];
}
