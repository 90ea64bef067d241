import { defineConfig } from 'vitest/config';

/** Files that hold a time, a size of memory or a number of connections to a tight bound. */
const timed = [
  'admission-deadline',
  'availability-replicas',
  'http-bounds',
  'kube-large-objects',
  'leaks',
  'mirroring-bars',
  'mirroring-hanging-source',
  'oci-burst',
  'oci-copy-shared',
  'oci-copy-source-faults',
  'oci-copy-target-faults',
  'oci-cost',
  'oci-names',
  'oci-probe',
  'routing-registries',
].map((name) => `test/integration/${name}.test.ts`);

/** The same in a browser: a first paint, a search. */
const timedInBrowser = ['actors', 'operator'].map((name) => `test/browser/${name}.test.ts`);

/** What all files on a real control plane and real registries have in common. */
const onRealParts = {
  globalSetup: ['test/support/api-server/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // What is seen in a browser may take a moment on a loaded machine.
  expect: { poll: { timeout: 5_000 } },
};

/**
 * Three projects, one after the other: `fast` touches nothing outside the process and runs in
 * parallel; `real` runs two files at a time, each on a control plane of its own, since most of
 * their time is spent waiting; `timed` has the machine for itself, one file at a time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,property,contract}/**/*.test.ts', 'test/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          ...onRealParts,
          name: 'real',
          include: ['test/{browser,conformance,integration}/**/*.test.ts'],
          exclude: [...timed, ...timedInBrowser],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...onRealParts,
          name: 'timed',
          include: [...timed, ...timedInBrowser],
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
});
