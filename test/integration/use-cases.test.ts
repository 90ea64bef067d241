import { afterAll, beforeAll, expect, test } from 'vitest';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { becomes } from '#test/support/mirroring/mirror-resource.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { applyExample } from '#test/support/operator/documented-example.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { deleteManifest, pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The manifests of docs/use-cases.md and docs/policies.md as they stand, at registries of ours. */
let stage: AdmissionStage;
let hub: TestRegistry;
let own: TestRegistry;
let guarded: TestRegistry;
let limited: FaultRegistry;

beforeAll(async () => {
  [stage, hub, own, guarded] = await Promise.all([
    startAdmissionStage(),
    startRegistry(),
    startRegistry(),
    startRegistry({ users: ['alice'] }),
  ]);
  limited = await startFaultRegistry({ upstream: hub });
});

afterAll(async () => {
  await stage?.stop();
  await limited?.close();
  await Promise.all([hub?.remove(), own?.remove(), guarded?.remove()]);
});

/** A Pod with this image, as the API server stored it. */
async function started(namespace: string, image: string) {
  const { pod } = await createPod(namespace, oneContainer(image));
  return { image: pod.spec.containers[0].image as string, pod };
}

test('proxy-cache.yaml: Pods start from the cache, and from the original while it is away', async () => {
  const namespace = await freshNamespace();
  const cache = await startRegistry();
  try {
    await pushImage(hub, 'library/web:1');
    await pushImage(cache, 'docker-hub/library/web:1');
    await applyExample('proxy-cache.yaml', {
      'docker.io': hub.host,
      'cache.example.com': cache.host,
    });
    const image = `${hub.host}/library/web:1`;
    const cached = `${cache.host}/docker-hub/library/web:1`;
    await stage.proposed(namespace, image, cached);
    const { pod, ...first } = await started(namespace, image);
    expect(first.image).toBe(cached);
    expect(annotationsOf(pod).reason).toEqual({ app: 'Preferred' });
    await cache.stop();
    await eventually('the original is taken', async () => {
      return (await started(namespace, image)).image === image;
    });
  } finally {
    await cache.remove();
  }
});

test('local-registry.yaml: what a Pod runs is copied, and the next one starts from the copy', async () => {
  const namespace = await freshNamespace();
  const auths = { [guarded.host]: { username: 'alice', password: registryPassword } };
  for (const name of ['push-to-registry', 'pull-from-registry']) {
    await storePullSecret({ namespace: stage.operator.namespace, name }, { auths });
  }
  const [path = ''] = await applyExample('local-registry.yaml', {
    'docker.io': hub.host,
    'registry.example.com': guarded.host,
    'kuik-system': stage.operator.namespace,
  });
  await pushImage(hub, 'library/local:1');
  const image = `${hub.host}/library/local:1`;
  expect((await started(namespace, image)).image).toBe(image);
  await becomes(path, image, 'Available');
  const { pod, ...next } = await started(namespace, image);
  expect(next.image).toBe(`${guarded.host}/mirror/library/local:1`);
  expect(pod.spec.imagePullSecrets).toEqual([
    { name: expect.stringMatching(/^kuik-pull-from-registry-/) },
  ]);
});

test('public-limits.yaml: a limit that is used up sends Pods to the next public registry', async () => {
  const namespace = await freshNamespace();
  await pushImage(hub, 'library/busy:1');
  await pushImage(own, 'docker/library/busy:1');
  await applyExample('public-limits.yaml', {
    'docker.io': limited.host,
    'public.ecr.aws': own.host,
  });
  const image = `${limited.host}/library/busy:1`;
  const equal = `${own.host}/docker/library/busy:1`;
  await stage.proposed(namespace, image, equal);
  expect((await started(namespace, image)).image).toBe(image);
  const headers = { 'retry-after': '30' };
  limited.setRules({ path: /\/manifests\//, fault: { kind: 'answer', status: 429, headers } });
  const other = `${limited.host}/library/busy:1`;
  const { pod, ...next } = await eventually(
    'the answer of before is not used any more',
    async () => {
      const found = await started(namespace, other);
      return found.image !== other && found;
    },
  );
  expect(next.image).toBe(equal);
  expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalQuotaExceeded' });
});

test('garbage-collection.yaml: a tag that was removed lives on for as long as Pods use it', async () => {
  const namespace = await freshNamespace();
  const { digest } = await pushImage(hub, 'team/app:1');
  const [path = ''] = await applyExample('garbage-collection.yaml', {
    'ci.example.com': hub.host,
    'registry.example.com': own.host,
  });
  const image = `${hub.host}/team/app:1`;
  expect((await started(namespace, image)).image).toBe(image);
  await becomes(path, image, 'Available');
  await deleteManifest(hub, 'team/app', digest);
  const { pod, ...next } = await eventually('the registry has lost it', async () => {
    const found = await started(namespace, image);
    return found.image !== image && found;
  });
  expect(next.image).toBe(`${own.host}/in-use/team/app:1`);
  expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalNotFound' });
});

test('missing-images.yaml: an image that is gone is told, with who could not start again', async () => {
  const namespace = await freshNamespace();
  const elsewhere = await startRegistry();
  try {
    const image = `${elsewhere.host}/team/gone:1`;
    await started(namespace, image);
    const [path = ''] = await applyExample('missing-images.yaml');
    await eventually('the status has it', async () => {
      const { status } = await admin().get(path);
      const found = status?.images?.find((one: { readonly image: string }) => one.image === image);
      return found?.status === 'NotFound';
    });
    const env = { KUIK_METRICS_URL: stage.operator.metricsUrl };
    const { text } = await runKuik(['status', '-n', namespace], env);
    expect(text).toContain(image);
    expect(text).toContain('NotFound');
  } finally {
    await elsewhere.remove();
  }
});

test('allowed-registries.yaml sees the image that kuik has put there', async () => {
  const namespace = await freshNamespace();
  await pushImage(own, 'mirror/library/judged:1');
  await applyExample('proxy-cache.yaml', {
    'docker.io': hub.host,
    'cache.example.com': own.host,
    '/docker-hub': '/mirror',
  });
  const image = `${hub.host}/library/judged:1`;
  const copy = `${own.host}/mirror/library/judged:1`;
  await stage.proposed(namespace, image, copy);
  await applyExample('allowed-registries.yaml', {
    'docker.io/library/': 'quay.io/never/',
    'registry.example.com': own.host,
    'kuik-system': stage.operator.namespace,
  });
  const post = (spec: object) =>
    admin().call('POST', `/api/v1/namespaces/${namespace}/pods`, {
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'pod-' }, spec },
    });
  const refused = await eventually('the policy is in force', async () => {
    const answer = await post(oneContainer('example.com/other:1'));
    return answer.status === 422 && answer.body.message;
  });
  expect(refused).toContain('got example.com/other:1');
  const admitted = await post(oneContainer(image));
  expect(admitted.body.spec?.containers[0].image ?? admitted.body.message).toBe(copy);
});
