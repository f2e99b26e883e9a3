import { perSecondInWords, shareInWords, shortRateInWords } from '../web/wording.ts';
import type { Arrow, Place } from './flow-view.ts';

/** The map as numbers for an SVG: places on a ring, an arrow in each direction that something flows. */
type FlowMap = {
  width: number;
  height: number;
  places: { x: number; y: number; lines: string[]; kind: string; published: string }[];
  arrows: {
    path: string;
    head: string;
    width: number;
    state: 'flowing' | 'quiet' | 'withheld';
    label: { x: number; y: number; rate: string; share: string; ring: string | null };
  }[];
  box: { width: number; height: number };
};

const WIDTH = 1160;
const HEIGHT = 640;
const BOX = { width: 310, height: 116 };
const MARGIN = { x: 20, top: 16, bottom: 78 };
const LABEL = { width: 178, height: 62 };
const BEND = 0.17;
/** Where on its arrow a label stands: nearer to the source, so that those of two directions keep apart. */
const LABEL_AT = 0.35;
const LINE_LENGTH = 20;
const RING = 13;

export function flowMap(places: readonly Place[], arrows: readonly Arrow[]): FlowMap {
  const points = placesOn(places.length);
  const at = new Map(places.map(({ id }, i) => [id, points[i] ?? { x: 0, y: 0 }]));
  return {
    width: WIDTH,
    height: HEIGHT,
    box: BOX,
    places: places.map((place) => ({
      ...(at.get(place.id) ?? { x: 0, y: 0 }),
      lines: wrapped(place.name),
      kind: place.kind,
      published: place.published === null ? '' : `${perSecondInWords(place.published)} a second published`,
    })),
    arrows: arrows.flatMap((arrow) => {
      const [from, to] = [at.get(arrow.source), at.get(arrow.recipient)];
      return from && to ? drawn(arrow, from, to) : [];
    }),
  };
}

type Point = { x: number; y: number };

/** A ring that begins at the top and fills the picture; two stand side by side. */
function placesOn(count: number): Point[] {
  if (count <= 1) return [{ x: WIDTH / 2, y: HEIGHT / 2 }];
  const start = count === 2 ? Math.PI : -Math.PI / 2;
  const ring = Array.from({ length: count }, (_, i) => start + (2 * Math.PI * i) / count).map((angle) => ({
    x: Math.cos(angle),
    y: Math.sin(angle),
  }));
  const across = spread(
    ring.map(({ x }) => x),
    MARGIN.x + BOX.width / 2,
    WIDTH - MARGIN.x - BOX.width / 2,
  );
  const down = spread(
    ring.map(({ y }) => y),
    MARGIN.top + BOX.height / 2,
    HEIGHT - MARGIN.bottom - BOX.height / 2,
  );
  return ring.map(({ x, y }) => ({ x: across(x), y: down(y) }));
}

function spread(values: readonly number[], first: number, last: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (high - low < 0.01) return () => (first + last) / 2;
  return (value) => first + ((value - low) / (high - low)) * (last - first);
}

function drawn(arrow: Arrow, from: Point, to: Point) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const control = { x: (from.x + to.x) / 2 - dy * BEND, y: (from.y + to.y) / 2 + dx * BEND };
  const start = edgeOf(from, control, 4);
  const end = edgeOf(to, control, 20);
  const label = alongCurve(start, control, end, LABEL_AT);
  const { rate, released, withheld } = arrow;
  const state = released > 0 || (rate ?? 0) > 0 ? 'flowing' : withheld > 0 ? 'withheld' : 'quiet';
  const share = withheld / Math.max(1, released + withheld);
  return {
    path: `M${round(start)} Q${round(control)} ${round(end)}`,
    head: headAt(control, end),
    width: widthOf(rate),
    state: state as 'flowing' | 'withheld' | 'quiet',
    label: {
      x: Math.round(label.x - LABEL.width / 2),
      y: Math.round(label.y - LABEL.height / 2),
      rate: state === 'quiet' ? 'quiet' : shortRateInWords(rate),
      share:
        released + withheld === 0
          ? 'none in 15 min'
          : `${shareInWords(withheld, released + withheld)} withheld`,
      ring: share > 0 ? ringOf(share) : null,
    },
  };
}

function alongCurve(start: Point, control: Point, end: Point, t: number): Point {
  const mix = (a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t ** 2 * c;
  return { x: mix(start.x, control.x, end.x), y: mix(start.y, control.y, end.y) };
}

/** Ten times as much is drawn a step wider: an arrow of one a minute and one of a thousand a second fit one picture. */
function widthOf(rate: number | null): number {
  if (rate === null || rate <= 0) return 4;
  return Math.round(Math.min(22, Math.max(5, 9 + 4 * Math.log10(rate))));
}

/** Where the line from the middle of a box towards a point leaves it. */
function edgeOf(centre: Point, towards: Point, gap: number): Point {
  const [dx, dy] = [towards.x - centre.x, towards.y - centre.y];
  const scale = Math.min(
    (BOX.width / 2 + gap) / Math.max(1, Math.abs(dx)),
    (BOX.height / 2 + gap) / Math.max(1, Math.abs(dy)),
  );
  return { x: centre.x + dx * scale, y: centre.y + dy * scale };
}

function headAt(from: Point, tip: Point): string {
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const [ux, uy] = [(tip.x - from.x) / length, (tip.y - from.y) / length];
  const point = { x: tip.x + ux * 16, y: tip.y + uy * 16 };
  const left = { x: tip.x - ux * 8 - uy * 15, y: tip.y - uy * 8 + ux * 15 };
  const right = { x: tip.x - ux * 8 + uy * 15, y: tip.y - uy * 8 - ux * 15 };
  return `${round(left)} ${round(point)} ${round(right)}`;
}

/** The withheld share as an arc, clockwise from the top. */
function ringOf(share: number): string {
  const angle = 2 * Math.PI * Math.min(share, 0.9999);
  const end = { x: RING * Math.sin(angle), y: -RING * Math.cos(angle) };
  return `M0 ${-RING} A${RING} ${RING} 0 ${share > 0.5 ? 1 : 0} 1 ${end.x.toFixed(2)} ${end.y.toFixed(2)}`;
}

const round = ({ x, y }: Point) => `${Math.round(x)},${Math.round(y)}`;

/** A name in so many lines at most; what does not fit is left off with a mark. */
export function wrapped(name: string, length = LINE_LENGTH, most = 2): string[] {
  const lines: string[] = [];
  for (const word of name.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= length) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const shown = lines
    .slice(0, most)
    .map((line) => (line.length <= length ? line : `${line.slice(0, length - 1)}…`));
  const last = shown.at(-1) ?? '';
  if (lines.length > most) shown[most - 1] = `${last.slice(0, length - 1).trimEnd()}…`;
  return shown;
}
