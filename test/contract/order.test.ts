import { expect } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { parseReference } from '#core/image/reference.ts';
import type { PullPolicy } from '#core/pod.ts';
import { candidates } from '#core/routing/candidates.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import { compileTable } from '#core/routing/table.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

interface Given {
  readonly image: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly imagePullPolicy?: PullPolicy;
  readonly config?: { readonly routing?: Partial<RoutingPolicy> };
  readonly resources: readonly KuikResource[];
}

describeVectors<Given, readonly { image: string; by: string }[]>(
  'order.yaml',
  ({ image, imagePullPolicy = 'IfNotPresent', config, resources, ...pod }, expected) => {
    const reference = parseReference(image);
    if (!reference.ok) throw new Error(reference.error.message);
    const found = candidates(
      compileTable(resources),
      { labels: {}, annotations: {}, ...pod, image: reference.value, imagePullPolicy },
      { ...defaultRoutingPolicy, ...config?.routing },
    );
    expect(found.map((candidate) => ({ image: candidate.image, by: candidate.by }))).toEqual(
      expected,
    );
  },
);
