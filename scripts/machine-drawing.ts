import { renderMermaidSVG } from 'beautiful-mermaid';
import type { AnyStateMachine } from 'xstate';
import { drawMachine } from '#actors/machine-view.ts';
import { placeArrows } from './placed-arrows.ts';

/**
 * Colours of the drawing by what the library calls them: the page sets them for its theme, and what
 * shows the file by itself has those of a light one.
 */
const colours: Readonly<Record<string, string>> = {
  _arrow: 'var(--machine-arrow, #3f3f46)',
  '_group-fill': 'var(--machine-region, #ffffff)',
  '_group-hdr': 'var(--machine-region-head, #f4f4f5)',
  '_inner-stroke': 'var(--machine-label-border, #e4e4e7)',
  _line: 'var(--machine-line, #71717a)',
  '_node-fill': 'var(--machine-state, #fafafa)',
  '_node-stroke': 'var(--machine-border, #d4d4d8)',
  _text: 'var(--machine-text, #27272a)',
  '_text-sec': 'var(--machine-text-soft, #52525b)',
  bg: 'var(--machine-label, #ffffff)',
};

/**
 * A machine as SVG: states are `<g class="node" data-id="<path joined by _>">`, arrows
 * `<polyline class="edge" data-from data-to data-label>` with a label of the same attributes. It
 * asks nobody for a font and has no style of its own, which the page's policy would not let in.
 */
export function renderMachineDrawing(machine: AnyStateMachine): string {
  const { id, diagram, description } = drawMachine(machine);
  const svg = renderMermaidSVG(diagram)
    .replace(/<style>.*?<\/style>\n?/s, '')
    .replace(/^<svg ([^>]*?) style="[^"]*">/, '<svg $1 font-family="system-ui, sans-serif">')
    .replaceAll(/ data-(?:style|shape|arrow-start|arrow-end)="[^"]*"/g, '')
    // Several are shown on one page, where an id is there once.
    .replaceAll(/(id="|url\(#)arrowhead/g, `$1${id}-arrow`)
    // The head of an arrow stays as it is when the arrow is lit.
    .replaceAll('<marker ', '<marker markerUnits="userSpaceOnUse" ')
    .replaceAll(/var\(--([a-z_-]+)\)/g, (_, name: string) => colourOf(name))
    .replaceAll(/\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10));
  const title = escapeText(`${id}: ${description}`);
  return `${placeArrows(svg).replace('>', `>\n<title>${title}</title>`).trimEnd()}\n`;
}

function colourOf(name: string): string {
  const colour = colours[name];
  if (colour === undefined) throw new Error(`Expected a colour for --${name}, there is none.`);
  return colour;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
