import { html, useEffect, useRef } from '../preact.js';
import { onThemeChange } from '../theme.js';
import { minutesOf } from '../timeline.js';
import UPlot from '../vendor/uplot.js';
import { clockTime } from './time-ago.js';

const height = 150;
/** As wide as the lanes below leave free on their right. */
const axisWidth = 44;

/**
 * Reviews a minute, on a canvas: what it shows is in the table below it, too.
 *
 * @param {{ timeline: import('../answers.js').Timeline, at: number, label: string }} props
 */
export function AdmissionChart({ timeline, at, label }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {UPlot | null} */ (null));
  const hour = useRef({ at, from: 0, to: 0 });
  hour.current = { at, from: Date.parse(timeline.from), to: Date.parse(timeline.to) };
  const data = useRef(columnsOf(timeline));
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new UPlot(
        optionsOf(element, () => hour.current),
        data.current,
        element,
      );
    };
    draw();
    const resized = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height }),
    );
    resized.observe(element);
    const unfollow = onThemeChange(draw);
    return () => {
      unfollow();
      resized.disconnect();
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => {
    data.current = columnsOf(timeline);
    chart.current?.setData(data.current);
  }, [timeline]);
  useEffect(() => chart.current?.redraw(false), [at]);
  return html`<div class="admission-chart" ref=${place} role="img" aria-label=${label}></div>`;
}

/** Drawn one over the other: unserved stands below rerouted, both in what was admitted. @type {(timeline: import('../answers.js').Timeline) => UPlot.AlignedData} */
function columnsOf(timeline) {
  const { at, admitted, rerouted, unserved } = minutesOf(timeline);
  return [
    at.map((ms) => ms / 1_000),
    admitted,
    rerouted.map((number, index) => number + (unserved[index] ?? 0)),
    unserved,
  ];
}

/** @type {(element: HTMLElement, hour: () => { at: number, from: number, to: number }) => UPlot.Options} */
function optionsOf(element, hour) {
  const colour = (/** @type {string} */ name) => colourOf(element, name);
  const bars = UPlot.paths.bars?.({ size: [0.74, 40], align: 1 });
  const series = (/** @type {string} */ fill) => ({
    fill: colour(fill),
    width: 0,
    points: { show: false },
    ...(bars !== undefined && { paths: bars }),
  });
  const axis = { stroke: colour('--quiet'), font: '12px system-ui, sans-serif' };
  return {
    width: element.clientWidth,
    height,
    padding: [10, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    // As wide as the lanes below, to the second.
    scales: {
      x: { range: () => [hour().from / 1_000, hour().to / 1_000] },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] },
    },
    series: [{}, series('--chart-admitted'), series('--warn'), series('--bad')],
    axes: [
      {
        ...axis,
        grid: { show: false },
        ticks: { stroke: colour('--line') },
        ...{ size: 30, space: 80 },
        values: (_, splits) => splits.map((second) => clockTime(second * 1_000).slice(0, 5)),
      },
      {
        ...axis,
        side: 1,
        size: axisWidth,
        grid: { stroke: colour('--line'), width: 1 },
        ticks: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000],
      },
    ],
    hooks: { draw: [(chart) => drawCursor(chart, hour().at, colour('--text'))] },
  };
}

/** @type {(chart: UPlot, at: number, colour: string) => void} */
function drawCursor({ ctx, bbox, valToPos }, at, colour) {
  const x = Math.min(valToPos(at / 1_000, 'x', true), bbox.left + bbox.width - 1);
  if (x < bbox.left) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** A canvas knows no custom properties: what one comes to is asked of an element. @type {(element: HTMLElement, name: string) => string} */
function colourOf(element, name) {
  const { color } = element.style;
  element.style.color = `var(${name})`;
  const found = getComputedStyle(element).color;
  element.style.color = color;
  return found;
}
