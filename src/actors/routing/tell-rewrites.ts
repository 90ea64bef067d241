import { fromCallback } from 'xstate';
import type { EventRecorder } from '#actors/leader/record-events.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { rewrittenImages } from '#core/routing/rewritten-images.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';

/** Whose Pods are told of, and through whom. */
export interface TellRewritesOptions {
  readonly pods: Store<SlimPod>;
  readonly events: Pick<EventRecorder, 'record'>;
  /** Wall time in ms. */
  readonly now: () => number;
}

/**
 * Older Pods are no news: whoever led when they came has told of them. Long enough for a change of
 * leader; the event's own name keeps it from being told twice (behaviour §3.14).
 */
export const newsMs = 300_000;
/** Pods remembered so that not each of their changes is a call; so many come in five minutes. */
const podsMax = 10_000;

/** Tells of each rewritten Pod once, when this process leads and sees it. */
export function tellRewritesLogic(options: TellRewritesOptions) {
  return fromCallback(() => {
    const { pods } = options;
    const told = new BoundedMap<string, true>(podsMax);
    const look = (pod: SlimPod): void => {
      const { events, now } = options;
      if (now() - pod.createdMs > newsMs || told.get(pod.uid) !== undefined) return;
      const note = rewrittenImages(pod);
      if (note === undefined) return;
      told.set(pod.uid, true);
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
