/**
 * Where registries stand on the map. Those that Pods run from stand on the left, those that only a
 * set names in the middle, mirrors on the right; within a column each stands near those that it is
 * joined to, so that few lines cross. Written by hand: graph libraries place what can be anything,
 * and are larger than the page.
 *
 * @typedef {import('./answers.js').MapNode} MapNode
 * @typedef {import('./answers.js').MapEdge} MapEdge
 * @typedef {MapNode & { readonly x: number, readonly y: number }} PlacedNode
 * @typedef {MapEdge & { readonly path: string }} PlacedEdge
 * @typedef {object} MapLayout
 * @property {number} width
 * @property {number} height
 * @property {readonly PlacedNode[]} nodes
 * @property {readonly PlacedEdge[]} edges
 */

export const nodeWidth = 250;
export const nodeHeight = 66;
const rowGap = 22;
const widthMin = 980;
const columnGapMin = 130;
const margin = 8;
/** So many stand below each other before a column is divided. */
const rowsMax = 14;
/** Lines cross no less after so many. */
const sweeps = 4;

/**
 * Places registries and draws the lines between them.
 *
 * @param {{ readonly nodes: readonly MapNode[], readonly edges: readonly MapEdge[] }} map
 * @returns {MapLayout}
 */
export function layoutMap({ nodes, edges }) {
  const columns = orderColumns(columnsOf(nodes), edges);
  const rows = Math.max(1, ...columns.map((column) => column.length));
  const least = columns.length * nodeWidth + (columns.length - 1) * columnGapMin + 2 * margin;
  const width = Math.max(widthMin, least);
  const step = (width - nodeWidth - 2 * margin) / Math.max(1, columns.length - 1);
  const height = rows * (nodeHeight + rowGap) - rowGap + 2 * margin;
  const placed = columns.flatMap((column, index) => {
    const top = (height - column.length * (nodeHeight + rowGap) + rowGap) / 2;
    return column.map((node, row) => ({
      ...node,
      x: columns.length === 1 ? (width - nodeWidth) / 2 : margin + index * step,
      y: top + row * (nodeHeight + rowGap),
    }));
  });
  const byHost = new Map(placed.map((node) => [node.host, node]));
  const drawn = edges.flatMap((edge) => {
    const from = byHost.get(edge.from);
    const to = byHost.get(edge.to);
    return from === undefined || to === undefined ? [] : [{ ...edge, path: linePath(from, to) }];
  });
  return { width, height, nodes: placed, edges: drawn };
}

/** @type {(nodes: readonly MapNode[]) => MapNode[][]} */
function columnsOf(nodes) {
  const has = (/** @type {MapNode} */ node, /** @type {MapNode['roles'][number]} */ role) =>
    node.roles.includes(role);
  const mirrors = nodes.filter((node) => has(node, 'mirror'));
  const others = nodes.filter((node) => !has(node, 'mirror'));
  const origins = others.filter((node) => has(node, 'origin'));
  const upstreams = others.filter((node) => !has(node, 'origin'));
  return [origins, upstreams, mirrors].filter(({ length }) => length > 0).flatMap(divide);
}

/** @type {(column: readonly MapNode[]) => MapNode[][]} */
function divide(column) {
  const parts = Math.ceil(column.length / rowsMax);
  const size = Math.ceil(column.length / parts);
  return Array.from({ length: parts }, (_, part) => column.slice(part * size, (part + 1) * size));
}

/** Each goes to the mean row of its neighbours in other columns, again and again. @type {(columns: MapNode[][], edges: readonly MapEdge[]) => MapNode[][]} */
function orderColumns(columns, edges) {
  let ordered = columns;
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    ordered = ordered.map((column, index) => {
      const rows = rowsOf(ordered.filter((_, other) => other !== index));
      const wish = new Map(
        column.map(({ host }, row) => [host, meanRow(host, edges, rows) ?? row / column.length]),
      );
      return column.toSorted(
        (left, right) => (wish.get(left.host) ?? 0) - (wish.get(right.host) ?? 0),
      );
    });
  }
  return ordered;
}

/** Rows from 0 to 1, so that columns of different lengths can be compared. @type {(columns: readonly MapNode[][]) => Map<string, number>} */
function rowsOf(columns) {
  return new Map(
    columns.flatMap((column) =>
      column.map(({ host }, row) => /** @type {const} */ ([host, (row + 0.5) / column.length])),
    ),
  );
}

/** @type {(host: string, edges: readonly MapEdge[], rows: ReadonlyMap<string, number>) => number | undefined} */
function meanRow(host, edges, rows) {
  const near = edges
    .filter(({ from, to }) => from === host || to === host)
    .map(({ from, to }) => rows.get(from === host ? to : from))
    .filter((row) => row !== undefined);
  if (near.length === 0) return undefined;
  return near.reduce((sum, row) => sum + row, 0) / near.length;
}

/** @type {(one: PlacedNode, other: PlacedNode) => string} */
function linePath(one, other) {
  const [left, right] = one.x <= other.x ? [one, other] : [other, one];
  const middle = nodeHeight / 2;
  const startX = left.x + nodeWidth;
  const startY = left.y + middle;
  const endY = right.y + middle;
  if (left.x === right.x) {
    const bulge = startX + 26 + Math.min(60, Math.abs(startY - endY) / 4);
    return `M${startX} ${startY}C${bulge} ${startY} ${bulge} ${endY} ${startX} ${endY}`;
  }
  const half = (right.x - startX) / 2;
  return `M${startX} ${startY}C${startX + half} ${startY} ${right.x - half} ${endY} ${right.x} ${endY}`;
}
