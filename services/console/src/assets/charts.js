import uPlot from './uplot.js';

const HEIGHT = 200;
const SPARK_HEIGHT = 44;

/** Colours are declared once, in the stylesheet. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--cw-${name}`).trim();

const line = (name, dash) => ({
  stroke: colour(name),
  width: 2,
  points: { show: false },
  ...(dash ? { dash: [6, 4] } : { fill: `${colour(name)}1a` }),
});

const time = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'Europe/London',
});
const FONT = '14px system-ui, -apple-system, "Segoe UI", Roboto, arial, sans-serif';
const axis = { stroke: '#484f54', font: FONT, grid: { stroke: '#e3e8ea', width: 1 }, ticks: { show: false } };
/** From nought, so that heights can be compared; a quiet quarter of an hour is not blown up into a storm. */
const fromNought = { range: (_chart, _min, max) => [0, Math.max(5, max * 1.15)] };
const WHOLE_STEPS = [1, 2, 5, 10, 20, 25, 50]
  .flatMap((step) => [step, step * 100, step * 10_000, step * 1_000_000])
  .sort((a, b) => a - b);

/** A chart that fills `frame` and keeps filling it when the window changes. `draw` replaces its figures. */
const chartIn = (frame, height, options) => {
  const chart = new uPlot(
    { width: frame.clientWidth, height, legend: { show: false }, cursor: { show: false }, ...options },
    [[], ...options.series.slice(1).map(() => [])],
    frame,
  );
  new ResizeObserver(() => chart.setSize({ width: frame.clientWidth, height })).observe(frame);
  return { draw: (columns) => chart.setData(columns) };
};

export const lineChart = (frame, series) =>
  chartIn(frame, HEIGHT, {
    series: [{}, ...series.map(({ name, dash }) => line(name, dash))],
    scales: { y: fromNought },
    axes: [
      {
        ...axis,
        size: 32,
        space: 70,
        values: (_chart, ticks) => ticks.map((tick) => time.format(tick * 1000)),
      },
      {
        ...axis,
        size: 56,
        incrs: WHOLE_STEPS,
        values: (_chart, ticks) => ticks.map((tick) => tick.toLocaleString('en-GB')),
      },
    ],
  });

export const sparkline = (frame) =>
  chartIn(frame, SPARK_HEIGHT, {
    series: [{}, line('published'), line('released', true)],
    scales: { y: fromNought },
    axes: [{ show: false }, { show: false }],
    padding: [4, 2, 4, 2],
  });

const drawn = new WeakMap();

/**
 * Draws every element that carries `data-chart`: `{at: seconds[], series: [{name, values}]}`. Called again after a change it
 * redraws only where the figures differ.
 */
export const drawAll = (root) => {
  for (const frame of root.querySelectorAll('[data-chart]')) {
    const text = frame.dataset.chart;
    const known = drawn.get(frame);
    if (known?.text === text) continue;
    const { at, series } = JSON.parse(text);
    const chart = known?.chart ?? lineChart(frame, series);
    frame.dataset.drawn = '';
    chart.draw([at, ...series.map(({ values }) => values)]);
    drawn.set(frame, { text, chart });
  }
};
