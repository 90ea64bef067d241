/** The part of the operator configuration that decides how a Pod is routed (behaviour §7). */
export interface RoutingPolicy {
  /** Whether `imagePullPolicy: Always` leaves the original where the priorities put it. */
  readonly honorPrioritiesOnAlwaysImagePullPolicy: boolean;
  /** Whether containers with `imagePullPolicy: Never` are routed all the same. */
  readonly rewriteOnNeverImagePullPolicy: boolean;
  /** Selectors over labels: Pods that match one are left alone. */
  readonly skipLabels: readonly string[];
  /** Selectors over annotations: Pods that match one are left alone. */
  readonly skipAnnotations: readonly string[];
}
