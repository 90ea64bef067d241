import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshNamespace } from '#test/support/api-server/plane.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import {
  type BlackHole,
  startFullBacklog,
  startSilentHost,
} from '#test/support/registries/black-hole.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * Registries that never answer, past a real API server. One candidate may take longer than a whole
 * review has, so that it is the deadline that ends the waiting. Both switches over pull policies are
 * on here, and off in the other files.
 */
let stage: AdmissionStage;
let registry: TestRegistry;

/** Far below the 10 s of the API server, far above what a loaded machine needs for the rest. */
const deadlineMs = 3_000;

beforeAll(async () => {
  [registry, stage] = await Promise.all([
    startRegistry(),
    startAdmissionStage({
      config: {
        routing: {
          activeCheck: { timeout: '0s' },
          deadline: `${deadlineMs}ms`,
          rewriteOnNeverImagePullPolicy: true,
          honorPrioritiesOnAlwaysImagePullPolicy: true,
        },
      },
    }),
  ]);
  await Promise.all(['team/app:1', 'team/tool:1'].map((name) => pushImage(registry, name)));
});

afterAll(async () => {
  await stage?.stop();
  await registry?.remove();
});

/** Declares that all these hosts hold the same, in this order, for the Pods of a namespace. */
async function equalNamespace(hosts: readonly string[], spec: object = {}): Promise<string> {
  const namespace = await freshNamespace();
  const upstreams = hosts.map((host) => ({
    registry: host,
    path: '/team',
    imageFilter: { include: ['.*'] },
  }));
  await stage.declare('ReplicatedImageSet', {
    ...{ name: 'equal', namespace },
    spec: { upstreams, ...spec },
  });
  // Asked about an image that the set's own registry has, so that nobody waits for the silent ones.
  await stage.proposed(namespace, `${registry.host}/team/tool:1`, `${hosts[0]}/team/tool:1`);
  return namespace;
}

/** Hosts that never answer, each in its way, for the running test. */
async function silentHosts(
  ...starts: (typeof startSilentHost)[]
): Promise<{ readonly hosts: readonly string[] } & AsyncDisposable> {
  const started: BlackHole[] = [];
  for (const start of starts) started.push(await start());
  return {
    hosts: started.map(({ host }) => host),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map(({ close }) => close()));
    },
  };
}

describe('registries that never answer', () => {
  test('cost one deadline together, and the one that answers wins', async () => {
    await using silent = await silentHosts(startSilentHost, startFullBacklog, startSilentHost);
    const [first = ''] = silent.hosts;
    const namespace = await equalNamespace([...silent.hosts, registry.host]);
    const startedMs = performance.now();
    const { pod } = await createPod(namespace, oneContainer(`${first}/team/app:1`));
    const tookMs = performance.now() - startedMs;
    expect(pod.spec.containers[0].image).toBe(`${registry.host}/team/app:1`);
    expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalUnreachable' });
    expect(tookMs).toBeLessThan(2 * deadlineMs);
  });

  test('are set aside by the next Pod, which waits for none of them', async () => {
    await using silent = await silentHosts(startSilentHost);
    const [first = ''] = silent.hosts;
    const namespace = await equalNamespace([first, registry.host]);
    await createPod(namespace, oneContainer(`${first}/team/app:1`));
    await eventually('the silent registry is suspected', async () => {
      const id = encodeURIComponent(`registry:${first}`);
      const answer = await fetch(`${stage.operator.debugUrl}/debug/actors/${id}`);
      const { state } = (await answer.json()) as { state: string[] };
      return !state.some((name) => name.endsWith('Closed'));
    });
    const startedMs = performance.now();
    const { pod } = await createPod(namespace, oneContainer(`${first}/team/tool:1`));
    expect(pod.spec.containers[0].image).toBe(`${registry.host}/team/tool:1`);
    expect(performance.now() - startedMs).toBeLessThan(deadlineMs / 2);
  });

  test('leave the original when there is nothing else, with a warning, before the deadline', async () => {
    await using silent = await silentHosts(startSilentHost, startFullBacklog);
    const [first = '', second = ''] = silent.hosts;
    const namespace = await equalNamespace([first, second, registry.host]);
    const image = `${first}/team/nowhere:1`;
    const { pod, warnings } = await createPod(namespace, oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(image);
    const warning = warnings.join(' ');
    expect(warning).toContain(`app keeps ${image}: nothing is available`);
    expect(warning).toContain('no answer within');
    // All that was tried, and why the last one failed, too: kubectl shows it whole.
    expect(warning).toContain(`${second}/team/nowhere:1 (`);
    expect(warning).toMatch(new RegExp(`${registry.host}/team/nowhere:1 \\(NotFound: .*404.*\\)`));
  });

  test('keep a review no longer than the API server itself waits', async () => {
    await using silent = await silentHosts(startSilentHost);
    const [first = ''] = silent.hosts;
    const namespace = await equalNamespace([first, registry.host]);
    const object = {
      metadata: { generateName: 'pod-' },
      spec: oneContainer(`${first}/team/app:1`, { imagePullPolicy: 'IfNotPresent' }),
    };
    const startedMs = performance.now();
    const answer = await stage.review({ operation: 'CREATE', namespace, object }, '?timeout=1s');
    expect(performance.now() - startedMs).toBeLessThan(deadlineMs);
    const patch = Buffer.from(answer.patch ?? '', 'base64').toString();
    expect(patch).toContain(`${registry.host}/team/app:1`);
  });
});

describe('the switches over pull policies', () => {
  test('Never is routed, and Always goes where the priorities say', async () => {
    const path = '/gone';
    const namespace = await freshNamespace();
    const upstreams = [path, '/team'].map((one) => ({
      registry: registry.host,
      path: one,
      imageFilter: { include: ['.*'] },
    }));
    await stage.declare('ReplicatedImageSet', {
      ...{ name: 'equal', namespace },
      spec: { upstreams, priority: -1 },
    });
    await pushImage(registry, 'gone/app:1');
    const image = `${registry.host}/gone/app:1`;
    await stage.proposed(namespace, image, `${registry.host}/team/app:1`);
    for (const imagePullPolicy of ['Never', 'Always']) {
      const { pod } = await createPod(namespace, oneContainer(image, { imagePullPolicy }));
      expect(pod.spec.containers[0].image).toBe(`${registry.host}/team/app:1`);
      expect(annotationsOf(pod).reason).toEqual({ app: 'Preferred' });
    }
  });
});
