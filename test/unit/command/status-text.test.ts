import { expect, test } from 'vitest';
import { type StatusAnswer, statusText } from '#command/status-text.ts';

const quiet: StatusAnswer = {
  ...{ workloads: [], total: 0, imagesInUse: 12, imagesUnchecked: 0, resources: 1 },
};

function workload(name: string, image: string, given = {}): StatusAnswer['workloads'][number] {
  return {
    ...{ namespace: 'shop', kind: 'Deployment', name, pods: 2 },
    images: [
      {
        ...{ image, status: 'NotFound', cisa: 'all', lastError: 'manifest unknown' },
        lastMonitor: '2026-03-01T12:00:00Z',
      },
    ],
    ...given,
  };
}

test('a table names the workloads, their images, and why, within 80 columns', () => {
  const long = {
    ...{ image: 'registry.example.com/tools/report:2.0', status: 'Unreachable', cisa: 'all' },
    ...{ lastError: `connect ${'timed out '.repeat(20)}`.trim(), lastMonitor: null },
  };
  const text = statusText({
    ...quiet,
    workloads: [
      workload('web', 'quay.io/shop/web:1'),
      workload('report', '', { namespace: 'tools', kind: 'Job', pods: 1, images: [long] }),
    ],
    total: 2,
    imagesUnchecked: 3,
  });
  expect(text.split('\n').slice(0, 6)).toEqual([
    'NAMESPACE  WORKLOAD          PODS  STATUS',
    'shop       Deployment/web       2  NotFound',
    '  quay.io/shop/web:1',
    '    NotFound: manifest unknown (cisa all, checked 2026-03-01T12:00:00Z)',
    'tools      Job/report           1  Unreachable',
    '  registry.example.com/tools/report:2.0',
  ]);
  expect(text).toContain('\n2 workloads could not start again on a node without the image.');
  expect(text.replaceAll('\n', ' ')).toContain('Not checked yet: 3.');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('all that is well is said in a sentence, and so is that nothing is monitored', () => {
  expect(statusText(quiet)).toContain('All is well: no workload uses an image that is known');
  expect(statusText(quiet, 'shop')).toContain('All is well: no workload in shop uses');
  expect(statusText({ ...quiet, resources: 0 })).toMatch(/^Nothing is monitored: create/);
  expect(statusText({ ...quiet, imagesInUse: 0 })).toMatch(/^No Pod uses an image that is mon/);
  // All may be well, or nothing: nobody has looked.
  expect(statusText({ ...quiet, imagesUnchecked: 12 })).toMatch(/^Nothing is known yet: of 12/);
});

test('images that only nodes can pull are told of, and are no alarm', () => {
  const text = statusText({ ...quiet, imagesNodeOnly: 4 }).replaceAll('\n', ' ');
  expect(text).toContain('All is well: no workload uses an image that is known');
  expect(text).toContain('Never checked, since only nodes can pull them (NodeOnly): 4.');
});

test('images whose Secrets kuik may not read are told of, and are no alarm', () => {
  const text = statusText({ ...quiet, imagesUnreadable: 4 }).replaceAll('\n', ' ');
  expect(text).toContain('All is well: no workload uses an image that is known');
  expect(text).toContain('Not known, since kuik may not read the Secrets that open them: 4.');
});

test('a cut list says so', () => {
  const text = statusText({ ...quiet, workloads: [workload('web', 'a')], total: 9_000 });
  expect(text.replaceAll('\n', ' ')).toContain('9000 workloads could not start again');
  expect(text.replaceAll('\n', ' ')).toContain('The first 1 are shown.');
});
