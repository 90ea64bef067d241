import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listPods } from '#actors/insight/pod-stories.ts';
import type { SlimPod } from '#kube/slim-pod.ts';

const pod = (namespace: string, name: string, image: string): SlimPod => ({
  ...{ uid: `${namespace}/${name}`, namespace, name, labels: {}, annotations: {} },
  ...{ images: { app: image }, pullSecrets: [], phase: 'Running', createdMs: 0 },
});

const word = fc.stringMatching(/^[ab]{1,3}$/);

test('pages of Pods, by cursor and by offset, are what plain filtering and sorting make of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(word, word, fc.constantFrom('quay.io/a:1', 'ghcr.io/a:1')), {
        maxLength: 20,
        selector: ([namespace, name]) => `${namespace}/${name}`,
      }),
      fc.record({ namespace: fc.option(word), q: fc.option(word) }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (pods, { namespace, q }, ofQuay, limit) => {
        const query = {
          ...(namespace !== null && { namespace }),
          ...(q !== null && { q }),
          ...(ofQuay && { registry: 'quay.io' }),
        };
        const keys = pods
          .filter(([own]) => namespace === null || own === namespace)
          .filter(([, , image]) => !ofQuay || image.startsWith('quay.io/'))
          .map(([own, name]) => `${own}/${name}`)
          .filter((key) => q === null || key.includes(q))
          .sort();
        const all = pods.map(([own, name, image]) => pod(own, name, image));
        for (let offset = 0; offset <= keys.length + 1; offset += 1) {
          const page = await listPods(all, { ...query, limit, offset });
          expect(page.pods.map((one) => `${one.namespace}/${one.name}`)).toEqual(
            keys.slice(offset, offset + limit),
          );
          expect(page.total).toBe(keys.length);
          const after = page.next === null ? [] : keys.slice(keys.indexOf(page.next) + 1);
          expect(after).toEqual(keys.slice(offset + limit));
        }
      },
    ),
    { numRuns: 100 },
  );
});
