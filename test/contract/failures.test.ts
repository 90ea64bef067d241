import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CopyFailureReason } from '#core/mirroring/copy-outcome.ts';
import type { ProbeStatus, UnreachableCause } from '#core/probe.ts';
import type { ApiFailure } from '#kube/failures.ts';
import type { OciFailure } from '#oci/errors.ts';

// Records over the unions: a kind that the code adds does not compile before it is named here.
const probes: Record<ProbeStatus, true> = {
  Available: true,
  NotFound: true,
  InvalidAuth: true,
  QuotaExceeded: true,
  Unreachable: true,
};
const causes: Record<UnreachableCause, true> = {
  dns: true,
  refused: true,
  reset: true,
  tls: true,
  timeout: true,
  forbidden: true,
  answer: true,
};
const registry: Record<OciFailure['kind'], true> = {
  answer: true,
  connection: true,
  protocol: true,
};
const copies: Record<CopyFailureReason, true> = {
  unreachable: true,
  throttled: true,
  'not-found': true,
  'source-denied': true,
  corrupt: true,
  'no-space': true,
  'blob-unknown': true,
  denied: true,
  'manifest-refused': true,
  'repository-missing': true,
  'immutable-tag': true,
  'no-platform': true,
  'out-of-bounds': true,
  collision: true,
};
const api: Record<ApiFailure['kind'], true> = {
  status: true,
  connection: true,
  oversize: true,
  aborted: true,
};

/** What may be away, and the tests that hold what its paragraph says. */
const degraded: Readonly<Record<string, readonly string[]>> = {
  'api-server-away': [
    'integration/availability-degraded.test.ts',
    'integration/operator-api-trouble.test.ts',
    'unit/actors/mirroring/mirroring-outages.test.ts',
    'unit/actors/watchdog.test.ts',
  ],
  'leader-gone': [
    'integration/availability-replicas.test.ts',
    'integration/leadership.test.ts',
    'integration/mirroring-kills.test.ts',
    'unit/machines/leadership.test.ts',
  ],
  'registries-away': [
    'integration/availability-degraded.test.ts',
    'unit/actors/mirroring/mirroring-outages.test.ts',
  ],
  'dns-away': ['integration/availability-degraded.test.ts'],
  'read-only-disk': ['integration/availability-degraded.test.ts'],
  'memory-near-its-limit': [
    'integration/availability-degraded.test.ts',
    'integration/availability-listeners.test.ts',
    'integration/http-bounds.test.ts',
  ],
  'clock-jumps': [
    'integration/availability-degraded.test.ts',
    'unit/actors/watchdog.test.ts',
    'unit/machines/leadership.test.ts',
  ],
  stuck: [
    'integration/availability-degraded.test.ts',
    'unit/actors/watchdog.test.ts',
    'unit/http/health.test.ts',
  ],
};

test('what is said of a degraded life is held by tests', () => {
  const files = [...new Set(Object.values(degraded).flat())];
  const missing = files.filter((file) => !existsSync(join(import.meta.dirname, '..', file)));
  expect(missing).toEqual([]);
});

test('docs/failures.md has a paragraph for each kind of failure', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/failures.md'), 'utf8');
  const paragraphs = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => {
        const [title = '', ...rest] = section.split('\n');
        return [title, rest.join('\n').trim()];
      }),
  );
  const kinds = [probes, causes, registry, copies, api, degraded].flatMap((record) =>
    Object.keys(record),
  );
  const without = kinds.filter((kind) => (paragraphs.get(kind)?.length ?? 0) < 20);
  expect(without).toEqual([]);
});
