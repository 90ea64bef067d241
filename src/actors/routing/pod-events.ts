import { fromCallback } from 'xstate';
import type { EventRecorder } from '#actors/event-recorder.ts';
import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { OwnerReference, PodAdmission } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { rewrittenImages } from '#core/routing/rewritten-images.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';
import type { PodOwners } from './pod-owners.ts';

/** Tells of each rewritten Pod once, when this process leads and sees it. */
export function rewriteEventsLogic(
  { now }: Pick<Runtime, 'now'>,
  { pods, events }: RewriteEventsOptions,
) {
  return fromCallback(() => {
    const seen = new BoundedMap<string, true>(podsMax);
    const look = (pod: SlimPod): void => {
      if (now() - pod.createdMs > newsMs || seen.get(pod.uid) !== undefined) return;
      const note = rewrittenImages(pod);
      if (note === undefined) return;
      seen.set(pod.uid, true);
      const { namespace, name, uid } = pod;
      events.record({
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
        ...{ type: 'Normal', reason: 'Rewritten', action: 'Route', note },
        onceAs: `rewritten.${uid}`,
      });
    };
    const unsubscribe = pods.subscribe(({ kind, value }) => {
      if (kind !== 'deleted') look(value);
    });
    for (const pod of pods.values()) look(pod);
    return unsubscribe;
  });
}

/** Whose Pods are told of, and through whom. */
export interface RewriteEventsOptions {
  readonly pods: Store<SlimPod>;
  readonly events: Pick<EventRecorder, 'record'>;
}

/**
 * Older Pods are no news: whoever led when they came has told of them. Long enough for a change of
 * leader; the event's own name keeps it from being told twice (behaviour §3.14).
 */
export const newsMs = 300_000;
/** Pods remembered so that not each of their changes is a call; so many come in five minutes. */
const podsMax = 10_000;

/**
 * Says on the controlling owner that nothing answered: it makes Pods again and again, and they all
 * fold into one event. A bare Pod has only the warning of its admission.
 */
export async function recordNothingAvailable(
  { events, owners }: NothingAvailableOptions,
  { pod, namespace }: PodAdmission,
  decisions: readonly RouteDecision[],
): Promise<void> {
  // As it came from outside: what is no list holds no owner.
  const written: unknown = pod.metadata?.ownerReferences;
  const named = Array.isArray(written) ? (written as readonly OwnerReference[]) : [];
  const owner = named.find((one) => one?.controller === true);
  // A review is anybody's to send: nothing is said on what is not there.
  if (owner === undefined || !(await owners.isThere(namespace, owner))) return;
  const { apiVersion, kind, name, uid } = owner;
  for (const { key, image, message } of decisions) {
    events.record({
      regarding: { apiVersion, kind, namespace, name, uid },
      ...{ type: 'Warning', reason: 'NothingAvailable', action: 'Route', note: message },
      // What each candidate says differs from time to time; it is the same trouble all the same.
      foldAs: `${key} ${image}`,
    });
  }
}

/** Who is told, and who knows on what. */
export interface NothingAvailableOptions {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly owners: Pick<PodOwners, 'isThere'>;
}
