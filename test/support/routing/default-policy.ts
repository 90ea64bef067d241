import type { RoutingPolicy } from '#core/routing/policy.ts';

/** What holds where nothing is configured. */
export const defaultRoutingPolicy: RoutingPolicy = {
  honorPrioritiesOnAlwaysImagePullPolicy: false,
  rewriteOnNeverImagePullPolicy: false,
  skipLabels: [],
  skipAnnotations: [],
};
