import type { EventRecorder } from '#actors/event-recorder.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';
import { rewriteEventsLogic } from './pod-events.ts';
import { Router, type RouterOptions } from './router.ts';

/** Adds the answering of reviews, and, on the leader, the telling of what came of them. */
export function addRouting(system: KuikSystem, options: RoutingOptions): Router {
  const { runtime } = system;
  system.whileLeading({ id: 'rewrites', logic: rewriteEventsLogic(runtime, options) });
  return new Router({ ...options, runtime });
}

/** What reviews are answered with. */
export interface RoutingOptions extends Omit<RouterOptions, 'runtime'> {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly pods: Store<SlimPod>;
}
