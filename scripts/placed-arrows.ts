/** A corner and a size. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Numbers in a drawing are rounded to a tenth. */
const tolerance = 0.3;
/** Arrows end so far from the dots at which a region starts and ends. */
const dotMargin = 2;

/**
 * Puts each arrow of a drawing where it belongs: one that joins a state to the frame around it, or
 * two that stand in a frame at different depths, is written relative to that frame by the library,
 * and so is its label. Throws where an arrow touches what it joins from nowhere.
 */
export function placeArrows(svg: string): string {
  const boxes = readBoxes(svg);
  const shifts = new Map<string, Point>();
  const moved = svg.replaceAll(
    /<polyline class="edge" (?<key>data-from="(?<from>[^"]*)" data-to="(?<to>[^"]*)"[^>]*?) points="(?<points>[^"]*)"/g,
    (...match) => {
      const { key, from, to, points: text } = match.at(-1) as Record<string, string>;
      const points = (text ?? '').split(' ').map(readPoint);
      const shift = findShift(points, { from: boxOf(boxes, from), to: boxOf(boxes, to), boxes });
      if (key === undefined || shift === undefined) throw new Error(`Nothing is joined by ${key}.`);
      shifts.set(key, shift);
      const moved = points.map((point) => writePoint(point, shift)).join(' ');
      return `<polyline class="edge" ${key} points="${moved}"`;
    },
  );
  return moved.replaceAll(
    /<g class="edge-label" (data-from="[^"]*" data-to="[^"]*" data-label="[^"]*")>/g,
    (whole, key: string) => {
      const { x, y } = shifts.get(key) ?? { x: 0, y: 0 };
      return x === 0 && y === 0
        ? whole
        : whole.replace('>', ` transform="translate(${round(x)} ${round(y)})">`);
    },
  );
}

/** States, frames and the dots at which a region starts and ends, by their ids. */
function readBoxes(svg: string): ReadonlyMap<string, Box> {
  const boxes = new Map<string, Box>();
  const shapes =
    /<g class="(?:node|subgraph)" data-id="([^"]+)"[^>]*>\s*(<(?:rect|circle) [^>]*>)/g;
  for (const [, id = '', shape = ''] of svg.matchAll(shapes)) boxes.set(id, readBox(shape));
  return boxes;
}

function readBox(shape: string): Box {
  const number = (name: string) => Number(new RegExp(` ${name}="([^"]+)"`).exec(shape)?.[1]);
  if (shape.startsWith('<rect')) {
    const [x, y, width, height] = [number('x'), number('y'), number('width'), number('height')];
    return { x, y, width, height };
  }
  const r = number('r') + dotMargin;
  return { x: number('cx') - r, y: number('cy') - r, width: 2 * r, height: 2 * r };
}

function boxOf(boxes: ReadonlyMap<string, Box>, id = ''): Box {
  const box = boxes.get(id);
  if (box === undefined) throw new Error(`Expected a shape for ${id}, there is none.`);
  return box;
}

interface Joined {
  readonly from: Box;
  readonly to: Box;
  readonly boxes: ReadonlyMap<string, Box>;
}

/** How far an arrow is from where it touches both that it joins. */
function findShift(points: readonly Point[], { from, to, boxes }: Joined): Point | undefined {
  const [first, last] = [points.at(0), points.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return [{ x: 0, y: 0 }, ...boxes.values()].find(
    (shift) => touches(first, shift, from) && touches(last, shift, to),
  );
}

function touches(point: Point, shift: Point, { x, y, width, height }: Box): boolean {
  const right = point.x + shift.x - x;
  const down = point.y + shift.y - y;
  const isWithin = isBetween(right, width) && isBetween(down, height);
  const isOnSide = [right, right - width, down, down - height].some(
    (distance) => Math.abs(distance) <= tolerance,
  );
  return isWithin && isOnSide;
}

function isBetween(value: number, max: number): boolean {
  return value >= -tolerance && value <= max + tolerance;
}

function readPoint(text: string): Point {
  const [x, y] = text.split(',').map(Number);
  return { x: x ?? Number.NaN, y: y ?? Number.NaN };
}

function writePoint({ x, y }: Point, shift: Point): string {
  return `${round(x + shift.x)},${round(y + shift.y)}`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
