/* Pages are complete without this script; here they only keep themselves up to date. */

const page = document.querySelector('[data-live-stream]');
const state = document.getElementById('live-state');
const pause = document.getElementById('pause');
const refresh = document.getElementById('refresh');

const say = (text, kind) => {
  if (state.textContent.trim() !== text) state.textContent = text;
  state.dataset.state = kind;
};

const isSame = (a, b) =>
  a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? '') === (b.id ?? '');

/** What a person has opened or typed is his, not the server's. */
const OWN = new Set(['open', 'checked']);

const morphAttributes = (from, to) => {
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !OWN.has(name) && !from.hasAttribute('data-drawn'))
      from.removeAttribute(name);
  for (const { name, value } of to.attributes)
    if (!OWN.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
};

/** Makes `from` like `to` and touches only what differs, so that a selection, focus or a screen reader's place stays. */
const morph = (from, to) => {
  morphAttributes(from, to);
  if (from.hasAttribute('data-chart')) return;
  const wanted = [...to.childNodes];
  wanted.forEach((node, i) => {
    const there = from.childNodes[i];
    if (!there) from.append(node);
    else if (!isSame(there, node)) there.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (there.data !== node.data) there.data = node.data;
    } else if (node.nodeType === Node.ELEMENT_NODE) morph(there, node);
  });
  while (from.childNodes.length > wanted.length) from.lastChild.remove();
};

const charts = document.querySelector('[data-chart]')
  ? import('./charts.js').then(({ drawAll }) => drawAll).catch(() => () => {})
  : Promise.resolve(() => {});

const draw = async () => (await charts)(document);

const show = ({ id, html }) => {
  const region = document.querySelector(`[data-live-region="${CSS.escape(id)}"]`);
  if (!region) return;
  const fresh = region.cloneNode(false);
  fresh.innerHTML = html;
  morph(region, fresh);
  draw();
};

let source;
let last = '';

const follow = () => {
  const stream = new URL(page.dataset.liveStream, location.href);
  stream.search = location.search;
  source = new EventSource(stream);
  source.addEventListener('region', (event) => show(JSON.parse(event.data)));
  source.addEventListener('state', (event) => {
    const { text, live } = JSON.parse(event.data);
    last = text;
    page.classList.toggle('cw-standing-still', !live);
    say(text, live ? 'live' : 'lost');
  });
  source.addEventListener('error', () => {
    page.classList.add('cw-standing-still');
    const closed = source.readyState === EventSource.CLOSED;
    say(
      closed ? 'Not live any more. Refresh to sign in again.' : 'The console does not answer. Trying again.',
      'lost',
    );
    refresh.hidden = !closed;
  });
  source.addEventListener('open', () => {
    refresh.hidden = true;
  });
};

const togglePause = () => {
  const paused = pause.textContent === 'Pause';
  pause.textContent = paused ? 'Resume' : 'Pause';
  if (!paused) return follow();
  source.close();
  say(last ? `Paused. ${last}` : 'Paused', 'paused');
};

await draw();
if (page) {
  pause.hidden = false;
  pause.addEventListener('click', togglePause);
  follow();
}
