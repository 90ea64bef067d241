import type { EventRecorder } from '#actors/leader/record-events.ts';
import type { OwnerReference, PodAdmission } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';

/** Told of the decisions of one review that found nothing available. */
export type NothingAvailable = (
  admission: PodAdmission,
  decisions: readonly RouteDecision[],
) => void;

/**
 * Says on the controlling owner that nothing answered: it makes Pods again and again, and they all
 * fold into one event. A bare Pod has only the warning of its admission.
 */
export function nothingAvailableEvents(events: Pick<EventRecorder, 'record'>): NothingAvailable {
  return ({ pod, namespace }, decisions) => {
    // As it came from outside: what is no list holds no owner.
    const written: unknown = pod.metadata?.ownerReferences;
    const owners = Array.isArray(written) ? (written as readonly OwnerReference[]) : [];
    const owner = owners.find((one) => one?.controller === true);
    if (owner === undefined) return;
    const { apiVersion, kind, name, uid } = owner;
    for (const { key, image, message } of decisions) {
      events.record({
        regarding: { apiVersion, kind, namespace, name, uid },
        ...{ type: 'Warning', reason: 'NothingAvailable', action: 'Route', note: message },
        // What each candidate says differs from time to time; it is the same trouble all the same.
        foldAs: `${key} ${image}`,
      });
    }
  };
}
