import { defineConfig } from 'vitest/config';

/**
 * Two projects: `fast` touches nothing outside the process and runs in parallel; `real` shares one
 * control plane and real registries, one file at a time, because the machine has two cores and
 * timings there are part of what is asserted.
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
          name: 'real',
          include: ['test/{conformance,integration}/**/*.test.ts'],
          globalSetup: ['test/support/api-server/global-setup.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
