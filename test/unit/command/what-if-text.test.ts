import { expect, test } from 'vitest';
import { type WhatIfAnswer, whatIfText } from '#command/what-if-text.ts';

const nothing: WhatIfAnswer = {
  ...{ replica: 'kuik-0', registries: ['docker.io'] },
  ...{ moving: [], stranded: [], staying: 0, undecided: 0 },
};
const web = { namespace: 'shop', kind: 'Deployment', name: 'web', pods: 2 };
const image = { container: 'app', now: 'docker.io/library/nginx:1.27', message: 'nothing else' };

test('says that nothing changes, and who says so', () => {
  expect(whatIfText(nothing)).toBe(
    'Without docker.io nothing changes: no workload runs from there. So says kuik-0,\nby what it knows of the registries.\n',
  );
});

test('shows first what could not start and why, then what moves and by whom', () => {
  const moved = { ...image, afterwards: 'ghcr.io/nginx:1.27', by: 'ClusterReplicatedImageSet/n' };
  const stranded = [{ ...web, images: [image] }];
  const moving = [{ ...web, name: 'api', pods: 1, images: [moved] }];
  const text = whatIfText({ ...nothing, stranded, moving, undecided: 3 });
  expect(text).toBe(`Could not start where the image is not there already:
  shop  Deployment/web  (2 Pods)
    app: docker.io/library/nginx:1.27
      nothing else

Would start from elsewhere:
  shop  Deployment/api  (1 Pod)
    app: docker.io/library/nginx:1.27
      -> ghcr.io/nginx:1.27
         by ClusterReplicatedImageSet/n

Without docker.io 1 workload could not start, 1 workload would start from
elsewhere, 3 were not decided about in time. So says kuik-0, by what it knows of
the registries.
`);
});
