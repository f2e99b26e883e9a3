import { perSecondInWords, shareInWords, shortRateInWords } from '../web/wording.ts';
import { wrapped } from './flow-map.ts';
import type { Arrow, Place } from './flow-view.ts';

/**
 * Who sends what to whom as a grid, senders down and receivers across: arrows between more than three organisations cross each other
 * until nobody can follow one.
 */
type FlowGrid = {
  width: number;
  height: number;
  cell: { width: number; height: number };
  heads: { x: number; y: number; lines: string[] }[];
  rows: { y: number; height: number; width: number; lines: string[]; kind: string; published: string }[];
  cells: {
    x: number;
    y: number;
    state: 'self' | 'none' | 'quiet' | 'flowing' | 'withheld';
    /** From 1, few, to 5, very many. */
    level: number;
    rate: string;
    share: string;
    /** How much of the cell's width is withheld. */
    withheld: number;
  }[];
};

const LEAST_WIDTH = 1160;
const ROW_HEAD = 262;
const HEAD_HEIGHT = 72;
const CELL_HEIGHT = 92;
const LEAST_CELL = 112;
const GAP = 6;
/** Characters of a head, by its width: a bold letter takes about ten units. */
const perLine = (width: number) => Math.floor(width / 9.6);

export function flowGrid(places: readonly Place[], arrows: readonly Arrow[]): FlowGrid {
  const columns = Math.max(1, places.length);
  const cellWidth = Math.max(LEAST_CELL, Math.floor((LEAST_WIDTH - ROW_HEAD) / columns) - GAP);
  const step = { x: cellWidth + GAP, y: CELL_HEIGHT + GAP };
  const byPair = new Map(arrows.map((arrow) => [`${arrow.source} ${arrow.recipient}`, arrow]));
  return {
    width: Math.max(LEAST_WIDTH, ROW_HEAD + columns * step.x),
    height: HEAD_HEIGHT + columns * step.y,
    cell: { width: cellWidth, height: CELL_HEIGHT },
    heads: places.map(({ name }, column) => ({
      x: ROW_HEAD + column * step.x + cellWidth / 2,
      y: HEAD_HEIGHT - 14,
      lines: wrapped(name, perLine(cellWidth), 3),
    })),
    rows: places.map(({ name, kind, published }, row) => ({
      y: HEAD_HEIGHT + row * step.y,
      height: CELL_HEIGHT,
      width: ROW_HEAD - 2 * GAP,
      lines: wrapped(name, 20, 2),
      kind,
      published: published === null ? '' : `${perSecondInWords(published)} a second published`,
    })),
    cells: places.flatMap((from, row) =>
      places.map((to, column) => ({
        x: ROW_HEAD + column * step.x,
        y: HEAD_HEIGHT + row * step.y,
        ...figures(from === to, byPair.get(`${from.id} ${to.id}`), cellWidth),
      })),
    ),
  };
}

function figures(self: boolean, arrow: Arrow | undefined, width: number) {
  const nothing = { level: 0, rate: '', share: '', withheld: 0 };
  if (self) return { state: 'self' as const, ...nothing };
  if (!arrow) return { state: 'none' as const, ...nothing };
  const { rate, released, withheld } = arrow;
  const all = released + withheld;
  if (all === 0 && (rate ?? 0) === 0) return { state: 'quiet' as const, ...nothing, rate: 'quiet' };
  return {
    state: released > 0 ? ('flowing' as const) : ('withheld' as const),
    level: levelOf(rate),
    rate: shortRateInWords(rate),
    share: `${shareInWords(withheld, all)} withheld`,
    withheld: all === 0 ? 0 : Math.round((width * withheld) / all),
  };
}

/** A step for each ten times as much: under one a minute, one a second, ten, a hundred. */
function levelOf(rate: number | null): number {
  if (rate === null || rate < 1 / 60) return 1;
  if (rate < 1) return 2;
  return rate < 10 ? 3 : rate < 100 ? 4 : 5;
}
