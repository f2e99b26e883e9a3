import { maySee, nameIn, type OrganisationReader, type Viewer } from '../access/viewer.ts';
import type { Measured } from '../measurement/report.ts';
import type { PartState } from '../parts/parts.ts';
import { momentInWords } from '../web/wording.ts';
import { partWords } from './part-words.ts';

export type PartReaders = OrganisationReader & { measured(): Measured; parts(): PartState[] };

type Stopped = { name: string; title: string; meaning: string; todo: string; since: string };

/** Parts that do not work now, each as what it is: shared ones for everybody, an adapter for its own organisation. */
export function stoppedParts(readers: PartReaders, viewer: Viewer, now: number): Stopped[] {
  const nameOf = nameIn(readers);
  return allParts(readers)
    .filter(({ organisation }) => organisation === undefined || maySee(viewer, organisation))
    .filter(({ status }) => status === 'away' || status === 'not-ready')
    .map((part) => {
      const words = partWords(part, nameOf);
      const does = part.status === 'away' ? 'does not answer' : 'is not ready';
      return {
        name: part.name,
        title: `${words.title} ${does}`,
        meaning: part.detail ? `${words.meaning} It reports: ${part.detail}.` : words.meaning,
        todo: words.todo,
        since: momentInWords(part.since, now),
      };
    });
}

function allParts(readers: PartReaders): PartState[] {
  const { connection } = readers.measured();
  const kafka =
    connection.status === 'away'
      ? [{ name: 'kafka', status: 'away' as const, since: connection.since, detail: '' }]
      : [];
  return [...kafka, ...readers.parts()];
}
