import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { leadershipLogic, leaseName } from '#actors/leader/leadership.ts';
import { leaseCalls } from '#actors/leader/lease-calls.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { KubeClient } from '#kube/client.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Shorter than in service, so that a test can wait them out. */
const durationMs = 3_000;
const renewDeadlineMs = 2_000;
const retryPeriodMs = 300;

/** Candidates for the Lease of a fresh namespace, each with a way to cut it off. */
async function createElection() {
  const namespace = await freshNamespace('lease');
  const client = await adminClient();
  const leading = new Set<string>();
  let leadingMost = 0;
  const stand = (identity: string) => {
    const clock = new TimerHeap();
    const line = { cut: false };
    const logic = leadershipLogic(
      {
        ...{ clock, now: Date.now, random: Math.random },
        lead: () => {
          leading.add(identity);
          leadingMost = Math.max(leadingMost, leading.size);
        },
        follow: () => void leading.delete(identity),
      },
      {
        calls: leaseCalls(cuttable(client, line), { namespace, name: leaseName, durationMs }),
        identity: `${identity}_${randomUUID()}`,
        ...{ durationMs, renewDeadlineMs, retryPeriodMs },
      },
    );
    const actor = createActor(logic, { input: { elect: true, renewDeadlineMs }, clock }).start();
    onTestFinished(() => {
      actor.stop();
      clock.close();
    });
    return { actor, line };
  };
  const lease = () =>
    admin().get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${leaseName}`);
  return { stand, lease, leading, leadingMost: () => leadingMost };
}

/** The real client until it is cut off; then every call fails as a dead network fails it. */
function cuttable(client: KubeClient, line: { readonly cut: boolean }): KubeClient {
  const dead = { ok: false, error: { kind: 'connection', message: 'cut off' } } as const;
  return {
    ...client,
    call: (call, signal) => (line.cut ? Promise.resolve(dead) : client.call(call, signal)),
  };
}

describe('leadership on a real API server', () => {
  test('one of many candidates leads, and a release hands over within a second', async () => {
    const { stand, lease, leading, leadingMost } = await createElection();
    const candidates = new Map(['a', 'b', 'c', 'd'].map((name) => [name, stand(name)]));
    await eventually('somebody leads', () => leading.size === 1);
    expect((await lease()).spec).toMatchObject({ leaseDurationSeconds: 3, leaseTransitions: 0 });
    for (let terms = 1; terms <= 3; terms++) {
      const [leader] = leading;
      candidates.get(leader!)!.actor.send({ type: 'leadership.release' });
      await eventually('another leads', () => leading.size === 1 && !leading.has(leader!), {
        withinMs: 1_500,
      });
      expect((await lease()).spec.leaseTransitions).toBe(terms);
    }
    expect(leadingMost()).toBe(1);
  });

  test('a leader that is cut off lets go before another takes over, and follows when it is back', async () => {
    const { stand, lease, leading, leadingMost } = await createElection();
    const first = stand('first');
    await eventually('the first leads', () => leading.has('first'));
    stand('second');
    const cutMs = performance.now();
    first.line.cut = true;
    await eventually('the first let go', () => leading.size === 0, { everyMs: 10 });
    expect(performance.now() - cutMs).toBeLessThan(renewDeadlineMs + 500);
    await eventually('the second leads', () => leading.has('second'));
    first.line.cut = false;
    await eventually('the first knows who leads', async () => {
      const { holder } = first.actor.getSnapshot().context;
      return holder !== null && holder === (await lease()).spec.holderIdentity;
    });
    expect([leadingMost(), [...leading]]).toEqual([1, ['second']]);
  });

  test('a Lease that somebody deletes is made again by who leads', async () => {
    const { stand, lease, leading } = await createElection();
    stand('a');
    await eventually('it leads', () => leading.has('a'));
    const { metadata } = await lease();
    const path = `/apis/coordination.k8s.io/v1/namespaces/${metadata.namespace}/leases/${leaseName}`;
    await admin().remove(path);
    await eventually('there is another', async () => {
      const found = await lease();
      return found !== undefined && found.metadata.uid !== metadata.uid;
    });
    expect([...leading]).toEqual(['a']);
  });
});
