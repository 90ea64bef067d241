import { describe, expect, test } from 'vitest';
import { checkResources } from '#command/plan-resources.ts';
import { planText } from '#command/plan-text.ts';

const apiVersion = 'kuik.enix.io/v1alpha1';
const set = {
  ...{ apiVersion, kind: 'ReplicatedImageSet', metadata: { name: 'team' } },
  spec: { upstreams: [{ registry: 'docker.io' }, { registry: 'quay.io' }] },
};

describe('the resources of a file', () => {
  test('get the namespace that is asked for where they name none, and lists are opened', () => {
    const mirror = { ...set, kind: 'ClusterReplicatedImageSet', metadata: { name: 'all' } };
    const checked = checkResources([{ kind: 'List', items: [set, mirror] }, null], 'shop');
    expect(checked).toMatchObject({
      ok: true,
      value: [{ metadata: { name: 'team', namespace: 'shop' } }, { metadata: { name: 'all' } }],
    });
  });

  test.each([
    [[], 'expected a resource, found none'],
    [[{ kind: 'Pod' }], 'document 1: kind: expected one of ReplicatedImageSet'],
    [[{ ...set, apiVersion: 'v1' }], 'team: apiVersion: expected kuik.enix.io/v1alpha1'],
    [[{ ...set, metadata: {} }], 'metadata.name: expected a name'],
    [[{ ...set, spec: { upstrems: [] } }], 'spec.upstrems: expected one of the keys'],
    [[{ ...set, spec: { upstreams: [{ registry: 3 }] } }], 'spec.upstreams[0].registry: expected'],
  ])('are refused with the place and what was expected: %j', (objects, message) => {
    const checked = checkResources(objects, 'shop');
    expect(checked.ok ? [] : checked.error).toEqual(
      expect.arrayContaining([expect.stringContaining(message)]),
    );
  });
});

test('a plan is told resource by resource, and in sum', () => {
  const image = 'docker.io/library/nginx:1.27';
  const copies = [{ image, copies: ['harbor.example.com/nginx:1.27'], bytes: 73_400_320 }];
  const plan = {
    ...{ resource: 'ImageSetMirror/shop/copies', problems: [], images: [image], rerouted: [] },
    ...{ leftOut: [{ image: 'b:1', field: 'spec.imageFilter', message: 'excluded' }], copies },
  };
  const answer = { replica: 'kuik-0', plans: [plan], bytes: 73_400_320 };
  expect(planText({ ...answer, workloads: 3, undecided: 0 })).toBe(`ImageSetMirror/shop/copies
  It is about 1 image in use.
  Left out:
    b:1: spec.imageFilter: excluded
  Would be copied:
    docker.io/library/nginx:1.27 (70.0 MiB)
      -> harbor.example.com/nginx:1.27

Of 3 workloads 0 would be rerouted. 1 copy would be made: at most 70.0 MiB. So
says kuik-0.
`);
});
