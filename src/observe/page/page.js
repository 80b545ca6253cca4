// @ts-check
/**
 * The status page. It draws what `/status/live` tells, asks for nothing else, and changes nothing.
 *
 * @typedef {import('../status.ts').Status} Status
 * @typedef {import('../status.ts').FeedStatus} FeedStatus
 * @typedef {import('../live-status.ts').LiveStatus} LiveStatus
 * @typedef {{ row: HTMLTableRowElement, feed: FeedStatus }} Shown
 */
import { createCharts } from './charts.js';

/** @type {Record<FeedStatus['state'], string>} */
const COLOURS = { fresh: 'good', lagging: 'bad', failing: 'bad', paused: 'quiet', unknown: 'quiet' };
/** @type {Map<string, Shown>} */
const shown = new Map();
/** How far the clock of the connector is ahead of this one, milliseconds. */
let aheadMs = 0;
let heardMs = 0;
const charts = createCharts(byId('events-chart'), byId('arrivals-chart'));

const events = new EventSource('/status/live');
events.addEventListener('message', ({ data }) => {
  /** @type {LiveStatus} */
  const status = JSON.parse(data);
  heardMs = Date.now();
  aheadMs = Date.parse(status.at) - heardMs;
  showConnection();
  showHead(status);
  charts.show(status);
  for (const name of status.gone) forget(name);
  for (const feed of status.feeds) showFeed(feed);
  showProblems(status);
  if (status.feeds.length + status.gone.length > 0) sortRows();
  filterRows();
});
setInterval(() => {
  showConnection();
  for (const { row, feed } of shown.values()) showLag(row, feed);
}, 1_000);
byId('filter').addEventListener('input', filterRows);
byId('filter').addEventListener('submit', (event) => event.preventDefault());

function showConnection() {
  const seconds = Math.round((Date.now() - heardMs) / 1_000);
  const lost = events.readyState !== EventSource.OPEN;
  byId('connection').className = lost ? 'bad' : 'quiet';
  byId('connection').textContent = lost
    ? 'The connector does not answer. Trying again …'
    : `Live, last news ${seconds < 5 ? 'just now' : `${seconds} s ago`}`;
}

/** @param {LiveStatus} status */
function showHead({ connector, startedAt, alive, ready, fresh, totals, published, shards, request }) {
  document.title = `${fresh.ok && ready.ok ? '' : '⚠ '}${connector.name}: 8x8 Work on Kafka`;
  byId('name').textContent = connector.name;
  byId('about').textContent = `Version ${connector.version}, ${connector.guarantee}, running since ${local(startedAt)}`;
  byId('health').replaceChildren(...Object.entries({ alive, ready, fresh }).map(([name, { ok }]) =>
    element('li', `${ok ? '✔' : '✖'} ${ok ? '' : 'not '}${name}`, ok ? 'good' : 'bad')));
  const lastMinute = published.at(-2)?.events ?? 0;
  const figures = {
    'Published': count(totals.published),
    'In the last minute': count(lastMinute),
    'Corrected': count(totals.corrected),
    'Late': count(totals.late),
    'Dead letters': count(totals.rejected),
    'Shards': shards.of === null ? '–' : `${shards.owned.length} of ${shards.of}`,
    'Requests a minute': request === null ? '–' : count(Math.round(request.budgetPerMinute)),
  };
  byId('figures').replaceChildren(...Object.entries(figures).map(([name, value]) => {
    const figure = document.createElement('div');
    figure.append(element('dt', name), element('dd', value));
    return figure;
  }));
}

/** What is wrong, each once, with how many it concerns. @param {LiveStatus} status */
function showProblems({ shards, ready, fresh }) {
  /** @type {Map<string, { title: string, text: string, of: string[] }>} */
  const problems = new Map();
  /** @type {(title: string, text: string, of: string) => void} */
  const add = (title, text, of) => {
    const known = problems.get(title + text) ?? { title, text, of: [] };
    known.of.push(of);
    problems.set(title + text, known);
  };
  for (const { shard, code, message } of shards.failures) add(code, message, `shard ${shard}`);
  for (const { feed } of shown.values()) {
    if (feed.failure !== null) add(feed.failure.code, feed.failure.message, nameOf(feed));
    if (feed.silent) add('SILENCE', 'So many rows are missing that it is no chance', nameOf(feed));
  }
  for (const text of [...ready.problems, ...fresh.problems]) {
    if (![...problems.values()].some((known) => text.includes(known.text))) add('', text, '');
  }
  const items = [...problems.values()].slice(0, 20).map(({ title, text, of }) => {
    const item = element('li', '');
    const names = of.filter((name) => name !== '');
    if (title !== '') item.append(element('b', title));
    item.append(text);
    if (names.length > 0) item.append(element('div', listed(names), 'quiet'));
    return item;
  });
  const list = byId('problems');
  const next = items.length > 0 ? items : [element('li', 'None', 'none')];
  // Screen readers read out what is new here, so what has not changed must stay.
  if (list.textContent !== next.map((item) => item.textContent).join('')) list.replaceChildren(...next);
}

/** @param {FeedStatus} feed */
function showFeed(feed) {
  const name = nameOf(feed);
  const row = shown.get(name)?.row ?? document.createElement('tr');
  shown.set(name, { row, feed });
  const head = element('th', name);
  head.scope = 'row';
  const { totals } = feed;
  row.replaceChildren(
    head,
    element('td', feed.state, COLOURS[feed.state]),
    element('td', ''),
    element('td', feed.watermark === null ? '–' : local(feed.watermark)),
    timeline(feed),
    ...[totals.published, totals.corrected, totals.late, totals.rejected]
      .map((value) => element('td', count(value), 'number')),
  );
  showLag(row, feed);
}

/** @param {HTMLTableRowElement} row @param {FeedStatus} feed */
function showLag(row, { watermark }) {
  const cell = /** @type {HTMLElement} */ (row.children[2]);
  const text = watermark === null ? '–' : duration(Date.now() + aheadMs - Date.parse(watermark));
  if (cell.textContent !== text) cell.textContent = text;
}

/** @param {FeedStatus} feed */
function timeline({ windows }) {
  const cell = document.createElement('td');
  const cells = element('div', '', 'cells');
  const odd = windows.filter(({ state }) => state !== 'done');
  cells.role = 'img';
  cells.ariaLabel = `${windows.length} windows${odd.length === 0 ? ', all done' : `: ${odd.map(told).join('; ')}`}`;
  cells.append(...windows.map((window) => {
    const one = element('i', '', `cell ${window.state}`);
    one.title = told(window);
    return one;
  }));
  cell.append(cells);
  return cell;
}

/** @param {FeedStatus['windows'][number]} window */
function told({ from, to, state, rows }) {
  const how = { done: 'done', reread: 'read again', late: 'with late rows', gap: 'no longer kept by 8x8' }[state];
  return `${local(from)} to ${local(to)}, ${rows} rows, ${how}`;
}

/** @param {string} name */
function forget(name) {
  shown.get(name)?.row.remove();
  shown.delete(name);
}

/** Those in trouble first; else by name, so that rows stay where they are. Rows are moved only if that has changed. */
function sortRows() {
  const rank = { failing: 0, lagging: 1, unknown: 2, paused: 3, fresh: 4 };
  const rows = [...shown.values()]
    .sort((a, b) => rank[a.feed.state] - rank[b.feed.state] || nameOf(a.feed).localeCompare(nameOf(b.feed)))
    .map(({ row }) => row);
  const body = byId('rows');
  if (rows.some((row, index) => body.children[index] !== row)) body.replaceChildren(...rows);
}

function filterRows() {
  const text = /** @type {HTMLInputElement} */ (byId('text')).value.trim().toLowerCase();
  const state = /** @type {HTMLSelectElement} */ (byId('state')).value;
  let matching = 0;
  for (const { row, feed } of shown.values()) {
    const fits = state === '' || feed.state === state || (state === 'trouble' && feed.state !== 'fresh');
    row.hidden = !fits || !nameOf(feed).toLowerCase().includes(text);
    if (!row.hidden) matching += 1;
  }
  byId('count').textContent = `${matching} of ${shown.size} feeds`;
}

/** @param {Pick<FeedStatus, 'stream' | 'pbx'>} feed */
function nameOf({ stream, pbx }) {
  return `${pbx} ${stream}`;
}

/** @param {readonly string[]} names */
function listed(names) {
  const first = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${first} and ${names.length - 5} more` : first;
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString();
}

/** @param {string} time */
function local(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

/** In the two largest units. @param {number} ms */
function duration(ms) {
  const seconds = Math.max(Math.round(ms / 1_000), 0);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds % 86_400 / 3_600)} h`;
}

/** @template {keyof HTMLElementTagNameMap} N @param {N} name @param {string} text @param {string} [className] */
function element(name, text, className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
