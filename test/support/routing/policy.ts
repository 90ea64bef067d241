import type { RoutingPolicy } from '#core/routing/policy.ts';

/** What holds where nothing is configured. */
export const DEFAULT_ROUTING_POLICY: RoutingPolicy = {
  honorPrioritiesOnAlwaysImagePullPolicy: false,
  rewriteOnNeverImagePullPolicy: false,
  skipLabels: [],
  skipAnnotations: [],
};
