import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { createManyPods } from '#test/support/api-server/many-pods.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { type OpenPage, startBrowser, type TestBrowser } from '#test/support/browser/browser.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The page of a real operator that tracks twenty thousand images of a registry that is not there. */
let plane: ControlPlane;
let operator: OperatorProcess;
let browser: TestBrowser;
let namespace: string;

const pods = 1_000;
const imagesPerPod = 20;
const images = pods * imagesPerPod;
const host = '127.0.0.1:1';
const other = '127.0.0.1:2';
const kuik = '/apis/kuik.enix.io/v1alpha1';
/** From the address to the first row, and from a key to what it finds, ms. */
const paintMsMax = 1_000;
const searchMsMax = 300;
/** The filter waits so long for the next key of a word. */
const settleMs = 120;

beforeAll(async () => {
  [plane, browser] = await Promise.all([startControlPlane(), startBrowser()]);
  const { admin, adminKubeconfig } = plane;
  await declare('ClusterImageSetAvailability', 'clusterimagesetavailabilities', {
    imageFilter: { include: [`${host}/.+`] },
  });
  await declare('ClusterReplicatedImageSet', 'clusterreplicatedimagesets', {
    upstreams: [
      { registry: host, imageFilter: { include: ['/.+'] } },
      { registry: other, imageFilter: { include: ['/.+'] } },
    ],
  });
  namespace = await createNamespace(admin, 'page');
  const imagesOf = (index: number) =>
    Array.from({ length: imagesPerPod }, (_, one) => `${host}/team/app-${index}-${one}:1`);
  await createManyPods(admin, { namespace, pods, images, imagesOf });
  // What nobody names may not be on this process's own loopback.
  const config = { registries: { [host]: {}, [other]: {} } };
  operator = await startOperator({ adminKubeconfig, config });
  await eventually(
    'all images are tracked',
    async () => {
      const answer = await fetch(`${operator.debugUrl}/debug/actors?type=tracked-image&limit=1`);
      return ((await answer.json()) as { readonly total: number }).total === images;
    },
    { withinMs: 60_000 },
  );
});

afterAll(async () => {
  await browser?.close();
  await operator?.stop();
  await plane?.stop();
});

async function declare(kind: string, plural: string, spec: object): Promise<void> {
  await plane.admin.create(`${kuik}/${plural}`, {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata: { name: 'page' }, spec },
  });
}

const open = async (fragment: string) =>
  await browser.open(`${operator.debugUrl}/debug/${fragment}`);

async function finish(opened: OpenPage, name: string): Promise<void> {
  await opened.screenshot(`operator-${name}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
}

describe('twenty thousand images', () => {
  test('are listed at once and found as one types', async () => {
    const opened = await open('#/overview');
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    const row = opened.page.locator('table.actors tbody tr');
    let startedMs = performance.now();
    await opened.page.goto(`${operator.debugUrl}/debug/#/actors?type=tracked-image`);
    await row.first().waitFor();
    expect(performance.now() - startedMs).toBeLessThan(paintMsMax);
    startedMs = performance.now();
    await opened.page.getByLabel("Part of an actor's id").fill('app-111-19:');
    await row.filter({ hasText: 'app-111-19:1' }).waitFor();
    await expect.poll(() => row.count()).toBe(1);
    expect(performance.now() - startedMs - settleMs).toBeLessThan(searchMsMax);
    await finish(opened, 'actors');
  });
});

describe('what the operator knows', () => {
  test('is on the overview: who leads, and the registry that does not answer', async () => {
    await fetch(`${operator.debugUrl}/debug/route?image=${host}/team/app-0-0:1`);
    await eventually('the registry is given up', async () => {
      const answer = await fetch(`${operator.debugUrl}/debug/actors/registry:${host}`);
      return (await answer.text()).includes('reachability.Open');
    });
    const opened = await open('#/overview');
    await opened.page.getByText(`${host} does not answer`).first().waitFor();
    await finish(opened, 'overview');
  });

  test('is on the map, which joins the registries that stand in for each other', async () => {
    const opened = await open('#/map');
    await opened.page.getByText(other).first().waitFor();
    await finish(opened, 'map');
  });

  test('is one Pod, with what it would get today', async () => {
    const opened = await open(`#/pods?namespace=${namespace}&q=app-17`);
    await opened.page.getByRole('link', { name: 'app-17', exact: true }).first().click();
    await opened.page.getByText(`${host}/team/app-17-0:1`).first().waitFor();
    await finish(opened, 'pod');
  });

  test('is what would become of workloads without a registry', async () => {
    const opened = await open(`#/what-if?registry=${host}`);
    await opened.page.getByText(namespace).first().waitFor();
    await finish(opened, 'what-if');
  });

  test('is a route that is asked for', async () => {
    const opened = await open(`#/route?image=${host}/team/app-0-0:1&namespace=${namespace}`);
    await opened.page.getByText(`${other}/team/app-0-0:1`).first().waitFor();
    await finish(opened, 'route');
  });

  test('is a decision, as it is made', async () => {
    const opened = await open('#/decisions');
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    await plane.admin.create(`/api/v1/namespaces/${namespace}/pods`, {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'just-now' } },
      spec: { containers: [{ name: 'app', image: `${host}/team/app-0-0:1` }] },
    });
    await opened.page.getByText('just-now').first().waitFor();
    await finish(opened, 'decisions');
  });
});
