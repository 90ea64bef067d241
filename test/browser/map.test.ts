import { expect, test } from 'vitest';
import type { RegistryMap } from '#core/insight/registry-map.ts';
import { madeUpMap } from '#test/support/page/made-up-answers.ts';
import { looks, pageStage } from '#test/support/page/page-stage.ts';

/** Registries, joined by what makes them stand in for each other. */
const stage = pageStage();

test.each(looks)('$theme at $width px breaks no rule of accessibility and fits', async (look) => {
  const opened = await stage.open('#/map?registry=docker.io', look);
  await opened.page.getByText('shop/cart-7d9f-0').waitFor();
  expect(await opened.violations()).toEqual([]);
  expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
  await opened.screenshot(`map-${look.theme}-${look.width}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('says of each registry its circuit and its Pods in words, and so does the table', async () => {
  const { page, close } = await stage.open('#/map');
  await page.getByRole('link', { name: 'docker.io Open · 214 Pods' }).waitFor();
  const row = page.locator('[data-part=map-table] tbody tr', { hasText: 'ghcr.io' }).last();
  expect((await row.textContent())?.replaceAll(/\s+/g, ' ')).toMatch(
    /ghcr\.io ?Suspect.*31 ?run from ?mirror\.example\.com by ClusterImageSetMirror\/all-to-mirror/,
  );
  await close();
});

test('a registry that is chosen by keyboard shows what stands in for it and its Pods', async () => {
  const { page, close } = await stage.open('#/map');
  await page.locator('[data-host="docker.io"]').focus();
  await page.keyboard.press('Enter');
  const detail = page.locator('[data-part=registry]');
  await detail.getByText('by ReplicatedImageSet/shop/shop-images').waitFor();
  await detail.getByRole('link', { name: 'shop/cart-7d9f-0' }).waitFor();
  expect(await page.locator('.map-line[data-lit=true]').count()).toBe(2);
  expect(page.url()).toContain('#/map?registry=docker.io');
  await close();
});

test('two hundred registries and a thousand lines do not overlap and do not hold it up', async () => {
  const { answers } = stage.operator();
  answers.set('/debug/map', largeMap(200, 1_000));
  const startedMs = performance.now();
  const { page, close } = await stage.open('#/map');
  await page.locator('.map-node').nth(199).waitFor();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  const places = await page
    .locator('.map-node')
    .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('transform')));
  expect(new Set(places).size).toBe(200);
  await page.getByLabel('Filter registries by name').fill('registry-7.');
  await expect.poll(() => page.locator('.map-node').count()).toBeLessThan(40);
  answers.set('/debug/map', madeUpMap);
  await close();
});

function largeMap(nodesTotal: number, edgesTotal: number): RegistryMap {
  const host = (index: number) => `registry-${index % nodesTotal}.example.com`;
  const by = [{ kind: 'ReplicatedImageSet', namespace: 'team', name: 'all' }];
  return {
    nodes: Array.from({ length: nodesTotal }, (_, index) => ({
      ...{ host: host(index), circuit: 'Closed' as const, since: null, pods: index },
      roles: [(['origin', 'upstream', 'mirror'] as const)[index % 3] ?? 'origin'],
    })),
    edges: Array.from({ length: edgesTotal }, (_, index) => ({
      ...{ from: host(index), to: host(index * 7 + 1), by },
    })),
    ...{ nodesTotal, edgesTotal },
  };
}
