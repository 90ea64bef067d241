import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DecisionPage, Overview, PodPage, PodStory, Timeline } from '#core/insight/insight.ts';
import type { RegistryMap } from '#core/insight/registry-map.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type RoutedStage, startRoutedStage } from '#test/support/operator/routed-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What the page asks of a running operator, after a Pod was routed away from its original. */
let operator: OperatorProcess;
let stage: RoutedStage;
let pod: { readonly name: string };
/** The webhook does not see the name that is generated. */
const seenAs = 'pod-…';

beforeAll(async () => {
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
  stage = await startRoutedStage(operator);
  const created = await stage.createPod();
  pod = created.metadata;
});

afterAll(async () => {
  await stage?.close();
  await operator?.stop();
});

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${operator.debugUrl}/debug/${path}`);
  expect(answer.headers.get('kuik-replica')).not.toBe('');
  const body = await answer.text();
  expect(answer.status, body).toBe(200);
  return JSON.parse(body) as T;
}

const hostOf = (image: string) => image.slice(0, image.indexOf('/'));

describe('what this replica decided', () => {
  test('is listed, newest first, with all that was asked and answered', async () => {
    const { decisions, forgotten } = await get<DecisionPage>('decisions');
    expect(forgotten).toBe(0);
    expect(decisions[0]).toMatchObject({
      ...{ namespace: stage.namespace, pod: seenAs },
      containers: [
        {
          ...{ image: stage.image, winner: stage.equal, rewritten: true, by: stage.by },
          candidates: [{ status: 'NotFound' }, { status: 'Available' }],
        },
      ],
    });
    const [{ id } = { id: 0 }] = decisions;
    expect((await get<DecisionPage>(`decisions?after=${id}`)).decisions).toEqual([]);
    expect((await get<DecisionPage>('decisions?q=no-such-pod')).decisions).toEqual([]);
    expect((await get<DecisionPage>(`decisions?q=${stage.namespace}/pod-`)).decisions).toHaveLength(
      1,
    );
  });

  test('is in the hour that the timeline shows', async () => {
    const { rerouted, buckets, registries } = await get<Timeline>('timeline');
    expect(rerouted.at(-1)).toMatchObject({
      ...{ namespace: stage.namespace, pod: seenAs, from: stage.image, to: stage.equal },
    });
    expect(buckets.reduce((sum, one) => sum + one.rerouted, 0)).toBeGreaterThanOrEqual(1);
    const asked = registries.find(({ host }) => host === hostOf(stage.image));
    expect(asked).toMatchObject({ circuit: 'Closed', changes: [] });
    expect(asked?.latency[0]?.count).toBeGreaterThanOrEqual(1);
  });

  test('is told to those who follow, as it happens', async () => {
    const stop = new AbortController();
    const { body } = await fetch(`${operator.debugUrl}/debug/events`, { signal: stop.signal });
    let text = '';
    const reading = (async () => {
      for await (const part of body ?? []) text += Buffer.from(part).toString();
    })().catch(() => {});
    await eventually('the stream is open', () => text.startsWith(':'));
    await stage.createPod();
    await eventually('the decision is told', () => text.includes(stage.equal));
    expect(text).toMatch(/id: 1\nevent: decision\ndata: \{"id":/);
    stop.abort();
    await reading;
  });
});

describe('one Pod', () => {
  test('is found by its namespace, its name and a registry that it runs from', async () => {
    const known = await eventually('the Pod is watched', async () => {
      const { pods } = await get<PodPage>(`pods?namespace=${stage.namespace}&q=${pod.name}`);
      return pods[0];
    });
    expect(known.images).toMatchObject([
      { wanted: stage.image, running: stage.equal, rewritten: true },
    ]);
    const registry = hostOf(stage.equal);
    expect((await get<PodPage>(`pods?registry=${registry}`)).total).toBeGreaterThanOrEqual(1);
    expect((await get<PodPage>('pods?registry=nowhere.example.com')).total).toBe(0);
    const all = await get<PodPage>('pods?limit=1');
    expect(all.pods).toHaveLength(1);
    const after = await get<PodPage>(`pods?limit=1&cursor=${all.next}`);
    expect(after.pods[0]?.name).not.toBe(all.pods[0]?.name);
  });

  test('has a story: wanted, asked, answered, got, and what it would get today', async () => {
    const story = await get<PodStory>(`pods/${stage.namespace}/${pod.name}`);
    expect(story.containers).toMatchObject([
      {
        ...{ wanted: stage.image, running: stage.equal, by: stage.by, reason: 'OriginalNotFound' },
        decision: { winner: stage.equal, candidates: [{ status: 'NotFound' }, {}] },
        today: { winner: stage.equal },
      },
    ]);
    const missing = await fetch(`${operator.debugUrl}/debug/pods/${stage.namespace}/nobody`);
    expect(missing.status).toBe(404);
  });

  test('whose name was known to its review has its story, too', async () => {
    const { body } = await admin().create(`/api/v1/namespaces/${stage.namespace}/pods`, {
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: { name: 'named', labels: { app: 'web' } },
      spec: { containers: [{ name: 'app', image: stage.image }] },
    });
    const story = await eventually('the Pod is watched', async () => {
      const answer = await fetch(
        `${operator.debugUrl}/debug/pods/${stage.namespace}/${body.metadata.name}`,
      );
      return answer.status === 200 && ((await answer.json()) as PodStory);
    });
    expect(story.containers[0]?.decision).toMatchObject({ winner: stage.equal });
  });
});

describe('the whole', () => {
  test('says who leads, how registries fare, and what happened', async () => {
    const overview = await eventually('the Pods are counted', async () => {
      const seen = await get<Overview>('overview');
      return seen.registries.some(({ pods }) => pods > 0) && seen;
    });
    expect(overview).toMatchObject({ leads: true, leader: expect.any(String) });
    const registry = overview.registries.find(({ host }) => host === hostOf(stage.equal));
    expect(registry).toMatchObject({ circuit: 'Closed', quota: { state: 'Free' } });
    expect(registry?.latency.length).toBeGreaterThanOrEqual(1);
    expect(overview.recent[0]).toMatchObject({ kind: 'decision' });
    expect(overview.recent[0]?.text).toContain(stage.equal);
  });

  test('is drawn as a map of registries that stand in for each other', async () => {
    const { nodes, edges } = await get<RegistryMap>('map');
    const [from, to] = [hostOf(stage.image), hostOf(stage.equal)].sort();
    const named = nodes.filter(({ roles }) => roles.includes('upstream')).map(({ host }) => host);
    expect(named).toEqual(expect.arrayContaining([from, to]));
    if (from === to) return;
    const edge = edges.find((one) => one.from === from && one.to === to);
    expect(edge?.by.map(({ kind, name }) => `${kind}/${name}`)).toContain(stage.by);
  });
});

test('a question that cannot be read is said to be one', async () => {
  for (const path of ['pods?limit=0', 'pods?nothing=1', 'decisions?after=x']) {
    const answer = await fetch(`${operator.debugUrl}/debug/${path}`);
    expect([path, answer.status]).toEqual([path, 400]);
  }
});
