import { FairTurns } from '#actors/fair-turns.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KubeClient } from '#kube/client.ts';
import { type RewriteEventsOptions, rewriteEventsLogic } from './pod-events.ts';
import { PodOwners } from './pod-owners.ts';
import { Rehearsal, type RehearsalOptions } from './rehearsal.ts';
import { Router, type RouterOptions } from './router.ts';

/** Adds the answering of reviews, and, on the leader, the telling of what came of them. */
export function addRouting(system: KuikSystem, options: RoutingOptions): Routing {
  const { runtime } = system;
  system.whileLeading({ id: 'rewrites', logic: rewriteEventsLogic(runtime, options) });
  const owners = new PodOwners(runtime, options.client);
  const turns = new FairTurns();
  const router = new Router({ ...options, runtime, owners, turns });
  const pods = () => options.pods.values();
  return { router, rehearsal: new Rehearsal({ ...options, runtime, turns, pods }) };
}

/** What Pods get, and what those that live would get. */
export interface Routing {
  readonly router: Router;
  readonly rehearsal: Rehearsal;
}

/** What reviews are answered with, and what is told. */
export type RoutingOptions = Omit<RouterOptions, 'runtime' | 'turns' | 'owners'> &
  RewriteEventsOptions &
  Pick<RehearsalOptions, 'copier' | 'platforms'> & { readonly client: KubeClient };
