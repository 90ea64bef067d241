import {
  type OutageRecord,
  type ReachabilityName,
  reachabilities,
  type StateSpan,
  sumUp,
} from './outage-record.ts';
import { milliseconds } from './table.ts';

const width = 880;
const panelHeight = 300;
const headHeight = 58;
const left = 74;
const right = 24;
/** Inside a panel: where its plot begins and ends, and where its band of states lies. */
const plotTop = 92;
const plotBottom = 258;
const bandTop = 54;
const bandHeight = 18;

/** The logarithmic axis, ms. */
const msMin = 5;
const msMax = 2_000;
const ticksMs = [10, 100, 1_000] as const;
/** A state that lasts a millisecond is still seen, in pixels. */
const spanWidthMin = 2.5;

/** Draws outages one below the other, as SVG without anything from outside. */
export function drawOutages(records: readonly OutageRecord[]): string {
  const height = headHeight + records.length * panelHeight + 4;
  const panels = records.map((record, index) =>
    group(`translate(0 ${headHeight + index * panelHeight})`, drawPanel(record)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>Admission time of Pods while a registry is down</title>`,
    `<style>${style}</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    drawHead(),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

/** Its own ground, so that it can be read whatever the page around it looks like. */
const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #3d4752; }
.title { font-size: 14px; font-weight: 600; fill: #17202a; }
.state { font-size: 11px; font-weight: 600; fill: #ffffff; }
.card { fill: #ffffff; stroke: #d5dbe1; }
.grid { stroke: #e3e7eb; }
.down { fill: #cf3f3f; opacity: 0.07; }
.edge { stroke: #cf3f3f; stroke-dasharray: 4 3; }
.timeout { stroke: #8b95a0; stroke-dasharray: 2 3; }
.original, .other { fill: none; stroke-linecap: round; stroke-width: 4; stroke-opacity: 0.75; }
.sample { stroke-width: 9; stroke-opacity: 1; }
.original { stroke: #2667c9; } .other { stroke: #d9700a; }
.Closed { fill: #2f8f5b; } .Suspect { fill: #c98a00; } .Open { fill: #c23b3b; } .HalfOpen { fill: #7c55c7; }
@media (prefers-color-scheme: dark) {
text { fill: #b7c1cc; } .title { fill: #eef2f6; } .state { fill: #ffffff; }
.card { fill: #12181f; stroke: #303b47; } .grid { stroke: #26303a; } .down { opacity: 0.16; }
.original { stroke: #6aa5ff; } .other { stroke: #ffa447; }
}`;

function drawHead(): string {
  const entries: string[] = [
    `<text class="title" x="${left}" y="27">Admission time of each Pod, and what it was given</text>`,
  ];
  let x = left;
  for (const [name, label] of [
    ['original', 'its own image'],
    ['other', 'the same image from the other registry'],
  ] as const) {
    entries.push(`<path class="${name} sample" d="M${x + 4} 46h0"/>`, text(x + 14, 50, label));
    x += 32 + label.length * 6.4;
  }
  x += 12;
  entries.push(text(x, 50, 'registry actor:'));
  x += 88;
  for (const state of reachabilities) {
    entries.push(
      `<rect class="${state}" x="${x}" y="40" width="11" height="11" rx="2"/>`,
      text(x + 16, 50, state),
    );
    x += 30 + state.length * 6.6;
  }
  return entries.join('\n');
}

function drawPanel(record: OutageRecord): string {
  const { downAtMs, upAtMs } = record;
  const x = (ms: number) => xOf(record, ms);
  const edges = [downAtMs, upAtMs].map(
    (ms) => `<path class="edge" d="M${x(ms)} ${bandTop}V${plotBottom}"/>`,
  );
  return [
    `<text class="title" x="${left}" y="24">${record.title}</text>`,
    text(left, 42, sentence(record)),
    `<rect class="down" x="${x(downAtMs)}" y="${bandTop}" width="${round(x(upAtMs) - x(downAtMs))}" height="${plotBottom - bandTop}"/>`,
    ...drawAxes(record),
    ...record.states.map((span) => drawSpan(record, span)),
    ...edges,
    drawDots(record, 'original', (patched) => !patched),
    drawDots(record, 'other', (patched) => patched),
  ].join('\n');
}

/** The figures that the picture is there for. */
function sentence(record: OutageRecord): string {
  const { downAtMs, upAtMs } = record;
  const knownAtMs = record.states.find(({ state }) => state !== 'Closed')?.fromMs ?? downAtMs;
  const before = sumUp(record, 0, downAtMs);
  const between = sumUp(record, downAtMs, knownAtMs);
  const after = sumUp(record, knownAtMs, upAtMs);
  return (
    `p50 is ${milliseconds(before.p50Ms)} ms before, and ${milliseconds(after.p50Ms)} ms once it is known; ` +
    `the ${between.reviews} Pods in between shared one wait of ${milliseconds(between.maxMs)} ms`
  );
}

function drawAxes(record: OutageRecord): readonly string[] {
  const lines = ticksMs.flatMap((ms) => [
    `<path class="${ms === 1_000 ? 'timeout' : 'grid'}" d="M${left} ${yOf(ms)}H${width - right}"/>`,
    text(left - 8, yOf(ms) + 4, ms < 1_000 ? `${ms} ms` : '1 s', 'end'),
  ]);
  const seconds: string[] = [];
  for (let ms = 0; ms <= record.endAtMs; ms += 2_000) {
    seconds.push(
      `<path class="grid" d="M${xOf(record, ms)} ${plotBottom}v4"/>`,
      text(xOf(record, ms), plotBottom + 18, `${ms / 1_000} s`, 'middle'),
    );
  }
  const { downAtMs, upAtMs } = record;
  return [
    ...lines,
    `<path class="grid" d="M${left} ${plotBottom}H${width - right}"/>`,
    ...seconds,
    text(xOf(record, downAtMs) + 5, plotBottom - 6, 'down'),
    text(xOf(record, upAtMs) + 5, plotBottom - 6, 'back'),
    text(left - 8, bandTop + 13, 'actor', 'end'),
  ];
}

function drawSpan(record: OutageRecord, { state, fromMs, toMs }: StateSpan): string {
  const x = xOf(record, fromMs);
  const long = Math.max(spanWidthMin, xOf(record, toMs) - x);
  const label =
    long > labelWidth(state)
      ? `<text class="state" x="${round(x + long / 2)}" y="${bandTop + 13}" text-anchor="middle">${state}</text>`
      : '';
  return (
    `<rect class="${state}" x="${x}" y="${bandTop}" width="${round(long)}" height="${bandHeight}"/>` +
    label
  );
}

function labelWidth(state: ReachabilityName): number {
  return 8 + state.length * 6.2;
}

/** One path for all: a line of no length with round ends is a dot. */
function drawDots(
  record: OutageRecord,
  name: string,
  isMeant: (patched: boolean) => boolean,
): string {
  const dots = record.samples
    .filter(({ patched }) => isMeant(patched))
    .map(({ atMs, ms }) => `M${xOf(record, atMs)} ${yOf(ms)}h0`);
  return `<path class="${name}" d="${dots.join('')}"/>`;
}

function xOf({ endAtMs }: Pick<OutageRecord, 'endAtMs'>, ms: number): number {
  return round(left + ((width - left - right) * ms) / endAtMs);
}

function yOf(ms: number): number {
  const bounded = Math.min(msMax, Math.max(msMin, ms));
  const share = Math.log(bounded / msMin) / Math.log(msMax / msMin);
  return round(plotBottom - share * (plotBottom - plotTop));
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

function group(transform: string, content: string): string {
  return `<g transform="${transform}">\n${content}\n</g>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
