import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { RouteExplanation } from '#core/routing/decision.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { type CopyRow, made, matchingImages } from '#test/support/routing/recorded-copies.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * An operator that does not lead: all that it knows of copies are statuses, which the test writes, in
 * place of the leader whose Lease it holds.
 */
let stage: AdmissionStage;
/** Has the copies. */
let mirror: TestRegistry;
/** Lets in two users. */
let locked: TestRegistry;

beforeAll(async () => {
  [mirror, locked] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['pusher', 'puller'] }),
  ]);
  await Promise.all([pushImage(mirror, 'm/team/app:1'), pushImage(locked, 'm/team/app:1')]);
  stage = await startAdmissionStage();
  await holdLease();
});
afterAll(async () => {
  await stage?.stop();
  await Promise.all([mirror?.remove(), locked?.remove()]);
});

async function holdLease(): Promise<void> {
  const { namespace, metricsUrl } = stage.operator;
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${leases}/e69ca865.enix.io`;
  await eventually('there is a Lease', () => admin().get(path));
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: 'a-test', leaseDurationSeconds: 3_600, renewTime };
  await eventually('the operator follows', async () => {
    await admin().merge(path, { spec });
    const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
    return metrics.includes('kube_image_keeper_manager_is_leader 0');
  });
}

/** Nobody finds it: whatever runs is a copy. */
const away = 'registry.invalid';
const image = `${away}/team/app:1`;
const mirrors = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';

/** A namespace whose Pods are sent to the mirror before all else, where it is offered. */
async function declareMirror(entry: object, spec: object = {}) {
  const namespace = await freshNamespace();
  const name = `copies-${namespace}`;
  await stage.declare('ClusterImageSetMirror', {
    name,
    spec: {
      priority: -1,
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: [namespace] },
      mirrors: [entry],
      ...spec,
    },
  });
  return { namespace, name };
}

const explain = async (namespace: string, about = image): Promise<RouteExplanation> => {
  const query = new URLSearchParams({ namespace, image: about });
  const answer = await fetch(`${stage.operator.debugUrl}/debug/route?${query}`);
  return (await answer.json()) as RouteExplanation;
};

/** What the leader would have written. */
const record = (name: string, ...rows: readonly CopyRow[]) =>
  admin().merge(`${mirrors}/${name}/status`, {
    status: { matchingImages: matchingImages(...rows) },
  });

const runs = async (namespace: string, extra: object = {}) => {
  const { pod } = await createPod(namespace, { ...oneContainer(image), ...extra });
  return pod.spec.containers[0].image as string;
};

describe('a copy', () => {
  const copyOn = ({ host }: TestRegistry) => `${host}/m/team/app:1`;
  const declared = () => declareMirror({ registry: mirror.host, path: '/m' });

  test('is offered while nothing is recorded of it, and while it is recorded to be there', async () => {
    const { namespace, name } = await declared();
    const copy = copyOn(mirror);
    await stage.proposed(namespace, image, copy);
    expect(await runs(namespace)).toBe(copy);
    await record(name, [image, copy, made]);
    expect(await runs(namespace)).toBe(copy);
  });

  test.each([
    ['is about to be deleted', { ...made, state: 'Expired' }, 'Expired'],
    ['is the place of another image', { state: 'Collision', lastError: 'taken' }, 'Collision'],
  ] as const)('that %s is offered to nobody', async (_, recorded, word) => {
    const { namespace, name } = await declared();
    await record(name, [image, copyOn(mirror), recorded]);
    await eventually('it is left out, and why', async () => {
      const { nearMisses, candidates } = await explain(namespace);
      const told = nearMisses.some(({ message }) => message.endsWith(`(${word})`));
      return told && candidates.length === 1;
    });
    expect(await runs(namespace)).toBe(image);
  });

  test('that was made from another image is no copy of this one', async () => {
    const { namespace, name } = await declared();
    const other = 'elsewhere.invalid/team/app:1';
    await record(name, [other, copyOn(mirror), made]);
    await eventually('it is left out', async () => {
      const { nearMisses } = await explain(namespace);
      return nearMisses.some(({ message }) => message.includes(`the place of ${other}`));
    });
    expect(await runs(namespace)).toBe(image);
    await stage.proposed(namespace, other, copyOn(mirror));
  });

  test('that was cut is offered to Pods that run on what it holds', async () => {
    const node = { apiVersion: 'v1', kind: 'Node' };
    const labels = { 'kubernetes.io/arch': 'arm64' };
    await admin().create('/api/v1/nodes', { ...node, metadata: { name: 'arm', labels } });
    onTestFinished(() => admin().remove('/api/v1/nodes/arm'));
    const { namespace, name } = await declared();
    const cut = { ...made, platforms: ['linux/amd64'] };
    await record(name, [image, copyOn(mirror), cut]);
    await eventually('it is left out for this cluster', async () => {
      const { nearMisses } = await explain(namespace);
      return nearMisses.some(({ message }) => message.includes('the Pod may run on arm64'));
    });
    expect(await runs(namespace)).toBe(image);
    const nodeSelector = { 'kubernetes.io/arch': 'amd64' };
    expect(await runs(namespace, { nodeSelector })).toBe(copyOn(mirror));
    const matchExpressions = [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }];
    const required = { nodeSelectorTerms: [{ matchExpressions }] };
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required };
    expect(await runs(namespace, { affinity: { nodeAffinity } })).toBe(image);
    await admin().remove('/api/v1/nodes/arm');
    await stage.proposed(namespace, image, copyOn(mirror));
  });

  test('is pulled with its own Secret, and what it was pushed with stays at home', async () => {
    const vault = await freshNamespace('vault');
    const config = (username: string) => ({
      auths: { [locked.host]: { username, password: registryPassword } },
    });
    await storePullSecret({ namespace: vault, name: 'push' }, config('pusher'));
    await storePullSecret({ namespace: vault, name: 'pull' }, config('puller'));
    const { namespace } = await declareMirror({
      ...{ registry: locked.host, path: '/m' },
      credentialSecret: { namespace: vault, name: 'push' },
      pullCredentialSecret: { namespace: vault, name: 'pull' },
    });
    await stage.proposed(namespace, image, copyOn(locked));
    const { pod } = await createPod(namespace, oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(copyOn(locked));
    const { items } = await admin().get(`/api/v1/namespaces/${namespace}/secrets`);
    const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    expect(names).toEqual(pod.spec.imagePullSecrets.map(({ name }: { name: string }) => name));
    expect(names).toEqual([expect.stringMatching(/^kuik-pull-/)]);
    expect(atob(items[0].data['.dockerconfigjson'])).toContain('puller');
  });
});

describe('a copy that is not where it was recorded to be', () => {
  const handedOver = async () => {
    const { namespace } = stage.operator;
    const object = await admin().get(`/api/v1/namespaces/${namespace}/configmaps/kuik-lost-copies`);
    return Object.values<string>(object?.data ?? {}).map((text) => JSON.parse(text));
  };

  test('is handed over to the leader, which takes it out', async () => {
    const { namespace, name } = await declareMirror({ registry: mirror.host, path: '/m' });
    const [gone, never] = [`${away}/team/gone:1`, `${away}/team/never:1`];
    const copyOf = (tag: string) => `${mirror.host}/m/team/${tag}:1`;
    await record(name, [gone, copyOf('gone'), made]);
    await eventually('the record is known', async () => {
      // What another image has recorded is no place for this one.
      await record(name, [gone, copyOf('gone'), made], [image, copyOf('x'), made]);
      const { candidates } = await explain(namespace, `elsewhere.invalid/team/x:1`);
      return candidates.length === 1;
    });
    await createPod(namespace, oneContainer(gone), { dryRun: true });
    await createPod(namespace, oneContainer(never));
    expect(await handedOver()).toEqual([]);
    await createPod(namespace, oneContainer(gone));
    await createPod(namespace, oneContainer(gone));
    const lost = { resource: `ClusterImageSetMirror/${name}`, copy: copyOf('gone') };
    await eventually('it is handed over', async () => {
      expect(await handedOver()).toEqual([lost]);
      return true;
    });
    const leader = await startOperator({
      adminKubeconfig: adminKubeconfig(),
      replicaOf: stage.operator,
      flags: ['--leader-elect=false'],
    });
    onTestFinished(leader.stop);
    await eventually('the leader hears of it', () =>
      leader
        .logs()
        .split('\n')
        .some((line) => line.includes('a copy is not where it') && line.includes(lost.copy)),
    );
    await eventually('it is taken out', async () => (await handedOver()).length === 0);
  });
});
