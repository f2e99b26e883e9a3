/* The page is complete without this script; here it only keeps itself up to date and draws its history. */

const page = document.getElementById('throughput');
const banners = document.getElementById('banners');
const state = document.getElementById('live-state');
const pause = document.getElementById('pause');
const charts = document.getElementById('charts');

const say = (text, kind) => {
  state.textContent = text;
  state.dataset.state = kind;
};

/** Text is replaced only where it differs, so that a selection or a screen reader's place is not disturbed. */
const write = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

const liveElement = (key) => document.querySelector(`[data-live="${CSS.escape(key)}"]`);

const writeFigures = (key, figures, names) => {
  for (const name of names) write(liveElement(`${key}.${name}`), figures[name]);
};

const writeTag = ({ id, tag }) => {
  const element = liveElement(`${id}.tag`);
  if (!element) return;
  write(element, tag.text);
  element.className = `govuk-tag govuk-tag--${tag.tag}`;
};

let measuredAt = '';
let shownBanners;

const showFigures = (view) => {
  if (String(view.rows.length) !== page.dataset.rows) return location.reload();
  measuredAt = view.measuredAt ?? '';
  if (view.measuredAt === null) say('No figures yet', 'waiting');
  else
    say(
      `${view.live ? 'Live' : 'Standing still'}, figures of ${view.measuredAt}`,
      view.live ? 'live' : 'lost',
    );
  page.classList.toggle('cw-standing-still', !view.live);
  writeFigures('total', view.total, ['published', 'released', 'waiting', 'oldest']);
  for (const row of view.rows) {
    writeFigures(row.id, row, ['published', 'released', 'waiting', 'oldest', 'lastEvent']);
    writeTag(row);
  }
  // Announced by screen readers, so touched only when it says something new.
  if (view.banners !== shownBanners) banners.innerHTML = view.banners;
  shownBanners = view.banners;
};

const cellsOf = (row) => [
  ['Published a second', row.published],
  ['Released a second', row.released],
  ['Waiting', row.waiting],
  ['Oldest has waited', row.oldest],
];

const element = (name, className, role, text) =>
  Object.assign(document.createElement(name), { className, role, textContent: text });

const historyRow = (row) => {
  const line = element('tr', 'govuk-table__row', 'row', '');
  const heading = element('th', 'govuk-table__header', 'rowheader', row.time);
  heading.scope = 'row';
  line.append(heading);
  for (const [label, text] of cellsOf(row)) {
    const cell = element('td', 'govuk-table__cell govuk-table__cell--numeric', 'cell', text);
    cell.dataset.label = label;
    line.append(cell);
  }
  return line;
};

const showHistoryTable = (rows) => {
  const body = document.getElementById('history-rows');
  body.replaceChildren(...rows.map(historyRow));
  body.closest('table').hidden = rows.length === 0;
  const empty = document.getElementById('history-empty');
  if (empty) empty.hidden = rows.length > 0;
};

const startCharts = ({ lineChart, sparkline }) => {
  const frame = (id) => document.querySelector(`#chart-${id} .cw-chart__canvas`);
  const rates = lineChart(frame('rates'), [{ name: 'published' }, { name: 'released', dash: true }]);
  const waiting = lineChart(frame('waiting'), [{ name: 'waiting' }]);
  const oldest = lineChart(frame('oldest'), [{ name: 'oldest' }]);
  const sparks = [...document.querySelectorAll('[data-spark]')].map((frame) => ({
    id: frame.dataset.spark,
    ...sparkline(frame),
  }));
  page.classList.add('cw-drawn');
  return ({ shown, organisations, rows }) => {
    charts.hidden = !shown.waiting.some((waiting) => waiting !== null);
    rates.draw([shown.at, shown.published, shown.released]);
    waiting.draw([shown.at, shown.waiting]);
    oldest.draw([shown.at, shown.oldestSeconds]);
    for (const { id, draw } of sparks) {
      const own = organisations[id];
      if (own) draw([own.at, own.published, own.released]);
    }
    showHistoryTable(rows);
  };
};

// Figures go on being live in a browser that cannot draw; the table has what the charts would show.
const withoutCharts =
  () =>
  ({ rows }) =>
    showHistoryTable(rows);
const showHistory = charts ? await import('./charts.js').then(startCharts).catch(withoutCharts) : () => {};
let source;

const follow = () => {
  const chosen = page.dataset.organisation;
  source = new EventSource(
    `/throughput/stream${chosen ? `?organisation=${encodeURIComponent(chosen)}` : ''}`,
  );
  source.addEventListener('figures', (event) => showFigures(JSON.parse(event.data)));
  source.addEventListener('history', (event) => showHistory(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    page.classList.add('cw-standing-still');
    const since = measuredAt ? `, figures of ${measuredAt}` : '';
    if (source.readyState === EventSource.CLOSED)
      say(`Not live any more${since}. Refresh to sign in again.`, 'lost');
    else say(`The console does not answer${since}. Trying again.`, 'lost');
    document.getElementById('refresh').hidden = source.readyState !== EventSource.CLOSED;
  });
  source.addEventListener('open', () => {
    document.getElementById('refresh').hidden = true;
  });
};

const togglePause = () => {
  const paused = pause.textContent === 'Pause';
  pause.textContent = paused ? 'Resume' : 'Pause';
  if (!paused) return follow();
  source.close();
  say(measuredAt ? `Paused at ${measuredAt}` : 'Paused', 'paused');
};

pause.hidden = false;
pause.addEventListener('click', togglePause);
follow();
