import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runPromql } from '#test/support/prometheus/promql.ts';

const directory = join(import.meta.dirname, '..', 'rules');

/** In the format of `promtool test rules`, and by Prometheus' own engine. */
test.each(readdirSync(directory))('the alerts fire and do not fire as %s says', async (file) => {
  expect(await runPromql(['test', 'rules', join(directory, file)])).toMatch(/: \d+ tests\n$/);
});
