import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MapEdge, MapNode, RegistryMap } from '#core/insight/registry-map.ts';

/** The page's modules have their types checked on their own, with the browser's library. */
interface MapLayoutModule {
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  readonly layoutMap: (map: Pick<RegistryMap, 'nodes' | 'edges'>) => {
    readonly width: number;
    readonly height: number;
    readonly nodes: readonly (MapNode & { readonly x: number; readonly y: number })[];
    readonly edges: readonly (MapEdge & { readonly path: string })[];
  };
}

const file = join(import.meta.dirname, '..', '..', 'src', 'http', 'page', 'map-layout.js');
const { layoutMap, nodeWidth, nodeHeight }: MapLayoutModule = await import(
  pathToFileURL(file).href
);

const node = fc.record({
  host: fc.stringMatching(/^[a-z]{1,6}\.example\.com$/),
  circuit: fc.constantFrom<MapNode['circuit']>('Closed', 'Open'),
  since: fc.constant(null),
  pods: fc.nat(1_000),
  roles: fc.subarray<MapNode['roles'][number]>(['origin', 'upstream', 'mirror'], { minLength: 1 }),
});

const map = fc.uniqueArray(node, { maxLength: 60, selector: ({ host }) => host }).chain((nodes) =>
  fc.record({
    nodes: fc.constant(nodes),
    edges: fc.array(edgeOf(nodes.map(({ host }) => host)), { maxLength: 80 }),
  }),
);

function edgeOf(hosts: readonly string[]) {
  const host = fc.constantFrom('gone.example.com', ...hosts);
  return fc.record({ from: host, to: host, by: fc.constant([{ kind: 'Set', name: 'all' }]) });
}

test('registries never cover each other, and all of them are on the map', () => {
  fc.assert(
    fc.property(map, ({ nodes, edges }) => {
      const layout = layoutMap({ nodes, edges });
      expect(layout.nodes.map(({ host }) => host).toSorted()).toEqual(
        nodes.map(({ host }) => host).toSorted(),
      );
      for (const [index, one] of layout.nodes.entries()) {
        expect(one.x >= 0 && one.x + nodeWidth <= layout.width).toBe(true);
        expect(one.y >= 0 && one.y + nodeHeight <= layout.height).toBe(true);
        const covered = layout.nodes
          .slice(index + 1)
          .some(
            (other) =>
              Math.abs(one.x - other.x) < nodeWidth && Math.abs(one.y - other.y) < nodeHeight,
          );
        expect(covered).toBe(false);
      }
    }),
  );
});

test('a line is drawn for each edge whose ends are there, and the same map is drawn the same', () => {
  fc.assert(
    fc.property(map, ({ nodes, edges }) => {
      const hosts = new Set(nodes.map(({ host }) => host));
      const layout = layoutMap({ nodes, edges });
      const joined = edges.filter(({ from, to }) => hosts.has(from) && hosts.has(to));
      expect(layout.edges).toHaveLength(joined.length);
      expect(layout.edges.every(({ path }) => !path.includes('NaN'))).toBe(true);
      expect(layoutMap({ nodes, edges })).toEqual(layout);
    }),
  );
});
