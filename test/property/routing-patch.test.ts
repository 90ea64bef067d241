import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyPatch } from '#core/json-patch.ts';
import type { PodObject } from '#core/pod.ts';
import { ORIGINAL_IMAGES } from '#core/routing/annotations.ts';
import { checkPatch } from '#core/routing/check-patch.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { buildPatch } from '#core/routing/patch.ts';
import { checkAdmissionPatch } from '#http/admission-patch.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { createLog } from '#telemetry/log.ts';
import { decisionOf } from '#test/support/routing/decisions.ts';
import { admissionOf, container } from '#test/support/routing/pods.ts';
import { startRouter } from '#test/support/routing/router-stage.ts';
import {
  containerArbitrary,
  imageArbitrary,
  placeArbitrary,
  plansArbitrary,
  reputationArbitrary,
  resourcesArbitrary,
  stored,
} from '#test/support/routing/routing-arbitraries.ts';
import { modelCandidates } from '#test/support/routing/routing-model.ts';

const names = ['app', 'tool', 'proxy'];

/** What anybody may have written there before, or copied from another Pod. */
const annotationsArbitrary = fc.option(
  fc.record(
    {
      mine: fc.constantFrom('', 'x'),
      [ORIGINAL_IMAGES]: fc.oneof(
        fc
          .dictionary(fc.constantFrom(...names, 'init:app', 'gone'), imageArbitrary)
          .map((originals) => JSON.stringify(originals)),
        fc.constantFrom('', 'no JSON', '[]', '{"app":1}'),
      ),
      'kuik.enix.io/reason': fc.constantFrom('{}', '{"app":"Preferred"}', 'null'),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);

const containersArbitrary = fc
  .array(containerArbitrary, { minLength: 1, maxLength: 3 })
  .map((made) =>
    made.map(({ image, policy }, index) => container(names[index] ?? '', image, policy)),
  );

const podArbitrary: fc.Arbitrary<PodObject> = fc
  .record({
    annotations: annotationsArbitrary,
    containers: containersArbitrary,
    initContainers: fc.option(containersArbitrary, { nil: undefined }),
    volume: fc.option(imageArbitrary, { nil: undefined }),
    secrets: fc.option(fc.subarray(['own', 'other']), { nil: undefined }),
  })
  .map(({ annotations, containers, initContainers, volume, secrets }) => ({
    metadata: { name: 'pod', ...(annotations && { annotations: annotations as never }) },
    spec: {
      containers,
      ...(initContainers && { initContainers }),
      ...(volume && { volumes: [{ name: 'v', image: { reference: volume } }] }),
      ...(secrets && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    },
  }));

function apply(pod: unknown, patch: Parameters<typeof applyPatch>[1]): PodObject {
  const applied = applyPatch(pod, patch);
  if (!applied.ok) throw new Error(`${applied.error.path}: ${applied.error.message}`);
  return applied.value as PodObject;
}

describe('the patch of any decisions over any Pod', () => {
  const keys = [...names, 'init:app', 'init:tool', 'volume:v', 'gone', 'ephemeral:app'];
  const decisionArbitrary: fc.Arbitrary<RouteDecision> = fc
    .record({
      key: fc.constantFrom(...keys),
      image: imageArbitrary,
      winner: fc.option(imageArbitrary, { nil: undefined }),
      reason: fc.constantFrom('OriginalNotFound' as const, 'Skipped' as const),
    })
    .map(({ key, image, winner, reason }) =>
      winner === undefined
        ? decisionOf(key, image, { reason })
        : decisionOf(key, image, { winner, reason: 'OriginalNotFound' }),
    );
  const given = fc.tuple(
    podArbitrary,
    fc.uniqueArray(decisionArbitrary, { maxLength: 6, selector: ({ key }) => key }),
    fc.array(fc.constantFrom('own', 'kuik-a-0', 'kuik-b-0'), { maxLength: 3 }),
  );

  test('passes its check, and twice is as good as once', () => {
    fc.assert(
      fc.property(given, ([pod, decisions, pullSecretsToAdd]) => {
        const patch = buildPatch(pod, decisions, { pullSecretsToAdd });
        expect(checkPatch(pod, patch)).toEqual({ ok: true, value: undefined });
        expect(checkAdmissionPatch(admissionOf(pod), patch).ok).toBe(true);
        const once = apply(pod, patch);
        expect(apply(once, patch)).toEqual(once);
        // What it would say is said: the same decisions have nothing to add.
        expect(buildPatch(once, decisions, { pullSecretsToAdd })).toEqual(
          patch.filter(({ path }) => path.endsWith('/image') || path.endsWith('/reference')),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('says nothing that is so already', () => {
    fc.assert(
      fc.property(given, ([pod, decisions, pullSecretsToAdd]) => {
        for (const operation of buildPatch(pod, decisions, { pullSecretsToAdd })) {
          if (operation.path.endsWith('/image') || operation.path.endsWith('/reference')) continue;
          expect(apply(pod, [operation])).not.toEqual(pod);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('no patch, whatever it is, gets through that spoils a Pod, and none throws', () => {
  const paths = [
    ...['', '/', '/spec', '/spec/containers/0/image', '/spec/containers/9/image', '/metadata'],
    ...['/metadata/annotations', '/spec/imagePullSecrets', '/spec/volumes/0/image/reference'],
    ...['/metadata/annotations/kuik.enix.io~1reason', '/spec/containers/-/image', '~2'],
  ];
  const value = fc.oneof(fc.jsonValue(), imageArbitrary, fc.constantFrom([{ name: 'own' }], {}));
  const operation = fc.oneof(
    fc.jsonValue(),
    fc.record({
      op: fc.constantFrom('add', 'replace', 'remove', 'move', 'test'),
      path: fc.constantFrom(...paths),
      value,
    }),
  );
  fc.assert(
    fc.property(podArbitrary, fc.oneof(fc.jsonValue(), fc.array(operation)), (pod, patch) => {
      const before = structuredClone(pod);
      const checked = checkAdmissionPatch(admissionOf(pod), patch);
      expect(pod).toEqual(before);
      if (!checked.ok || checked.value === undefined) return;
      const out = apply(pod, JSON.parse(checked.value));
      expect(out.spec?.containers?.length).toBe(pod.spec?.containers?.length);
      expect(out.spec?.imagePullSecrets ?? []).toEqual(
        expect.arrayContaining([...(pod.spec?.imagePullSecrets ?? [])]),
      );
      expect(out.metadata?.annotations ?? {}).toMatchObject(
        withoutOurs(pod.metadata?.annotations ?? {}),
      );
    }),
    { numRuns: 1_500 },
  );
});

function withoutOurs(annotations: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(annotations).filter(([name]) => !name.startsWith('kuik.enix.io/')),
  );
}

describe('the webhook', () => {
  const log = createLog({ level: 'silent', format: 'json' });
  const errors: string[] = [];
  let stage: ReturnType<typeof startRouter>;
  const app = buildWebhookApp(
    {
      admit: (admission, signal) => stage.router.admit(admission, signal),
      log,
      metrics: { admission: () => {}, webhookError: (kind: string) => void errors.push(kind) },
    },
    { deadlineMs: 60_000 },
  );
  beforeAll(async () => void (await app.ready()));
  afterAll(async () => await app.close());

  /** The Pod as the API server would store it. */
  async function review(pod: PodObject, namespace: string) {
    const request = {
      uid: 'review',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      ...{ namespace, operation: 'CREATE', object: pod },
    };
    const payload = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
    const asked = app.inject({ method: 'POST', url: '/mutate--v1-pod', payload });
    const { value } = await stage.drive(asked.then((answer) => answer.json()));
    const { allowed, patch } = value.response;
    expect([value.response.uid, allowed, errors]).toEqual(['review', true, []]);
    if (patch === undefined) return { pod, changed: false };
    const operations = JSON.parse(Buffer.from(patch, 'base64').toString());
    return { pod: apply(pod, operations), changed: true };
  }

  const worldArbitrary = fc.record({
    resources: resourcesArbitrary,
    pod: podArbitrary,
    place: placeArbitrary,
    plans: plansArbitrary,
    reputation: reputationArbitrary,
  });

  test('has nothing to add to what it wrote itself, whatever was declared and answered', async () => {
    let rewritten = 0;
    await fc.assert(
      fc.asyncProperty(
        worldArbitrary,
        async ({ resources, pod: made, place, plans, reputation }) => {
          const pod = { ...made, metadata: { ...made.metadata, labels: place.labels } };
          const images = plannedImages(pod, { resources, place, plans });
          stage = startRouter({ resources: stored(resources), images, ...reputation });
          const once = await review(pod, place.namespace);
          const twice = await review(once.pod, place.namespace);
          if (once.changed) rewritten += 1;
          expect(twice).toEqual({ pod: once.pod, changed: false });
        },
      ),
      { numRuns: 80 },
    );
    expect(rewritten).toBeGreaterThan(5);
  }, 30_000);
});

/** A plan for each candidate of each image of the Pod, and of those that its annotation names. */
function plannedImages(
  pod: PodObject,
  world: {
    readonly resources: Parameters<typeof modelCandidates>[0];
    readonly place: {
      readonly namespace: string;
      readonly labels: Readonly<Record<string, string>>;
    };
    readonly plans: readonly { readonly kind: string }[];
  },
) {
  const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
  const images = [
    ...[...containers, ...initContainers].flatMap(({ image }) => image ?? []),
    ...volumes.flatMap(({ image }) => image?.reference ?? []),
  ];
  const subject = {
    policy: 'IfNotPresent',
    honoursPrioritiesOnAlways: false,
    ...world.place,
  } as const;
  const candidates = images.flatMap((image) =>
    modelCandidates(world.resources, { ...subject, image }).map((one) => one.image),
  );
  const entries = [...new Set(candidates)].map((image, index) => [
    image,
    world.plans[index % world.plans.length],
  ]);
  return Object.fromEntries(entries);
}
