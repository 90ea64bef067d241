import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { type AttentionState, findAttention } from '#core/insight/attention.ts';
import type { RegistryView } from '#core/insight/registry-view.ts';

const quiet: AttentionState = {
  ...{ registries: [], workloads: [], resources: [], copies: [], broken: [], unwatched: [] },
  leader: 'kuik-0_1a',
};

const registry = (over: Partial<RegistryView>): RegistryView => ({
  ...{ host: 'docker.io', circuit: 'Closed', since: null, trouble: null, pods: 0, latency: [] },
  ...{ quota: { state: 'Free' }, pace: null },
  ...over,
});

const told = (over: Partial<AttentionState>) => findAttention({ ...quiet, ...over });

describe('what needs attention', () => {
  test('is nothing where all is well', () => {
    expect(told({ registries: [registry({ pods: 5 })] })).toEqual([]);
  });

  test('is a registry that does not answer, the more so where Pods run from it', () => {
    const [down] = told({
      registries: [registry({ circuit: 'Open', pods: 2, trouble: 'refused', since: 'then' })],
    });
    expect(down).toMatchObject({
      ...{ severity: 'error', what: 'docker.io does not answer', since: 'then' },
      link: '#/what-if?registry=docker.io',
    });
    expect(down?.reason).toMatch(/^2 Pods run from it; .* The last connection: refused$/);
    const severityOf = (over: Partial<RegistryView>) =>
      told({ registries: [registry(over)] })[0]?.severity;
    expect(severityOf({ circuit: 'HalfOpen', pods: 0 })).toBe('warning');
    expect(severityOf({ circuit: 'Suspect', pods: 9 })).toBe('warning');
  });

  test('is a quota that is used up, with until when and what was said', () => {
    const quota = { state: 'Throttled', retryAt: 'soon', message: 'TOOMANYREQUESTS' } as const;
    const [throttled] = told({ registries: [registry({ quota })] });
    expect(throttled?.reason).toMatch(/until soon;.*TOOMANYREQUESTS/);
  });

  test('is a workload that could not start elsewhere, with each image and why', () => {
    const image = { image: 'docker.io/a:1', status: 'NotFound', cisa: 'all', lastError: 'gone' };
    const [workload] = told({
      workloads: [
        { namespace: 'shop', kind: 'Deployment', name: 'web', pods: 3, images: [image as never] },
      ],
    });
    expect(workload).toMatchObject({
      ...{ severity: 'error', link: '#/pods?namespace=shop&q=web' },
      reason: 'docker.io/a:1 is NotFound (gone); Pods that use it: 3',
    });
  });

  test('is a resource that is not ready, in its own words', () => {
    const condition = { type: 'Ready', status: 'False', reason: 'CopyFailed', message: 'denied' };
    const resource = {
      ...{ kind: 'ImageSetMirror', metadata: { namespace: 'shop', name: 'm' } },
      status: { conditions: [{ ...condition, lastTransitionTime: 'then' }] },
    } as unknown as KuikResource;
    expect(told({ resources: [resource] })).toMatchObject([
      { what: 'ImageSetMirror/shop/m is not ready: CopyFailed', reason: 'denied', since: 'then' },
    ]);
  });

  test('is told with what harms Pods now before what may', () => {
    const all = told({
      ...{ leader: null, unwatched: ['pods'], broken: ['tracked-image:all/a:1'] },
      registries: [registry({ circuit: 'Suspect' })],
    });
    expect(all.map(({ severity }) => severity)).toEqual(['error', 'error', 'warning', 'warning']);
    expect(all[0]?.what).toBe('No replica leads');
  });
});
