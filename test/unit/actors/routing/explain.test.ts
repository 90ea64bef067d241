import { expect, test } from 'vitest';
import { forever } from '#test/support/registries/registries-stage.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';
import { available, equal, image } from '#test/support/routing/route-once.ts';
import { pullSecret, startRouter } from '#test/support/routing/router-stage.ts';

test("an explanation is about a Pod with these pull secrets, of the Pod's own namespace", async () => {
  const stage = startRouter({
    resources: [equal()],
    images: { [image]: { ...available, users: ['mine'] } },
    secrets: { ...pullSecret('apps/own', 'quay.io', 'mine') },
  });
  const explain = async (pullSecrets: readonly string[]) => {
    const subject = { namespace: 'apps', labels: {}, annotations: {}, pullSecrets };
    const query = { image, policy: 'IfNotPresent', ...subject } as const;
    const { value } = await stage.drive(stage.router.explain(query, forever));
    return value;
  };
  expect(await explain([])).toMatchObject({ reason: 'NothingAvailable' });
  expect(await explain(['own'])).toMatchObject({
    reason: 'OriginalAvailable',
    candidates: [{ status: 'Available', credential: 'apps/own' }, {}, {}],
  });
});

test('an explanation names the resources that come near and do not apply, the nearest first', async () => {
  const mirrorOf = (name: string, spec: object) =>
    clusterMirror(name, { mirrors: [{ registry: 'm.example.com' }], ...spec });
  const stage = startRouter({
    resources: [
      mirrorOf('applies', { imageFilter: { include: ['quay.io/.+'] } }),
      mirrorOf('a-part', { imageFilter: { include: ['team/app:.+'] } }),
      mirrorOf('elsewhere', {
        imageFilter: { include: ['.+'] },
        namespaceFilter: { include: ['prod'] },
      }),
      mirrorOf('far', { imageFilter: { include: ['docker.io/.+'] } }),
    ],
  });
  const subject = { namespace: 'apps', labels: {}, annotations: {}, pullSecrets: [] };
  const query = { image, policy: 'IfNotPresent', ...subject } as const;
  const { value } = await stage.drive(stage.router.explain(query, forever));
  expect(value.nearMisses).toMatchObject([
    { by: 'ClusterImageSetMirror/elsewhere', field: 'namespaceFilter' },
    { by: 'ClusterImageSetMirror/a-part', field: 'imageFilter' },
  ]);
});
