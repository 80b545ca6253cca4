// @ts-check
/**
 * Two plots, drawn by uPlot, each with its content in words for those who do not see it.
 *
 * @typedef {import('../live-status.ts').LiveStatus} LiveStatus
 * @typedef {typeof import('uplot')} UPlot
 */
const uPlot = /** @type {UPlot} */ (/** @type {any} */ (globalThis).uPlot);

/** @param {HTMLElement} eventsHome @param {HTMLElement} arrivalsHome */
export function createCharts(eventsHome, arrivalsHome) {
  const events = chart(eventsHome, { time: true }, (value) => `${value}`);
  /** @type {readonly string[]} */
  let labels = [];
  const arrivals = chart(arrivalsHome, { time: false }, (index) => labels[index] ?? '');
  const both = [events, arrivals];
  new ResizeObserver(() => both.forEach(fit)).observe(eventsHome);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => both.forEach(({ plot }) => plot.redraw()));

  return {
    /** @param {LiveStatus} status */
    show({ published, arrivals: delays }) {
      events.plot.setData([published.map(({ at }) => Date.parse(at) / 1_000), published.map((minute) => minute.events)]);
      const most = Math.max(0, ...published.map((minute) => minute.events));
      eventsHome.ariaLabel = `In the last ${published.length} minutes, at most ${most} events in one`;

      labels = delays.map(({ upToSeconds }) => (upToSeconds === null ? 'more' : `≤ ${short(upToSeconds)}`));
      arrivals.plot.setData([delays.map((_, index) => index), delays.map(({ rows }) => rows)]);
      const said = delays.flatMap(({ rows }, index) => (rows === 0 ? [] : [`${labels[index]}: ${rows}`]));
      arrivalsHome.ariaLabel = said.length === 0 ? 'No rows yet' : `Rows by delay: ${said.join(', ')}`;
    },
  };
}

/**
 * Bars.
 *
 * @param {HTMLElement} home @param {{ time: boolean }} x @param {(value: number) => string} labelOf
 */
function chart(home, x, labelOf) {
  const colour = (/** @type {string} */ name) => () => resolved(home, name);
  const grid = { stroke: colour('--line'), width: 1 };
  const axis = { stroke: colour('--quiet'), grid, ticks: grid };
  const bars = /** @type {NonNullable<typeof uPlot.paths.bars>} */ (uPlot.paths.bars);
  const plot = new uPlot({
    width: home.clientWidth,
    height: home.clientHeight,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      // An hour, also when only a minute is known.
      x: x.time ? { range: (_, __, max) => [max - 3_600, max + 60] } : { time: false, range: (_, min, max) => [min - 0.5, max + 0.5] },
      y: { range: (_, __, max) => [0, Math.max(max, 1)] },
    },
    axes: [
      x.time ? axis : { ...axis, values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? labelOf(at) : '')) },
      { ...axis, size: 60 },
    ],
    series: [{}, {
      fill: colour('--accent'), stroke: colour('--accent'), paths: bars({ size: [0.8, 40] }), points: { show: false },
    }],
  }, [[], []], home);
  return { plot, home };
}

/** @param {{ plot: import('uplot'), home: HTMLElement }} chart */
function fit({ plot, home }) {
  plot.setSize({ width: home.clientWidth, height: home.clientHeight });
}

/** A canvas knows neither custom properties nor `light-dark()`. @param {HTMLElement} home @param {string} name */
function resolved(home, name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  home.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** @param {number} seconds */
function short(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${seconds / 60} min` : `${seconds / 3_600} h`;
}
