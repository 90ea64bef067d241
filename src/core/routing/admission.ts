import type { Cancellation } from '#core/cancellation.ts';
import type { JsonPatchOperation } from '#core/json-patch.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission, PullPolicy } from '#core/pod.ts';
import type { RouteDecision, RouteExplanation } from './decision.ts';

/** The routing query: what a Pod gets, and what it would get. */
export interface RoutingQuery {
  /**
   * Routes the Pod of one review, at once where nothing has to be asked for it; when cancellation
   * ends before that, the Pod stays as it came.
   */
  readonly admit: (
    admission: PodAdmission,
    cancellation: Cancellation,
  ) => MaybePromise<AdmissionAnswer>;
  /** What a Pod with this image would get. Registries are asked; nothing is changed. */
  readonly explain: (image: ImageQuery, signal: AbortSignal) => Promise<RouteExplanation>;
}

/** Whether a namespace is there; true where the API server does not say. */
export type NamespaceExists = (name: string, signal: AbortSignal) => Promise<boolean>;

/** What is said to one review. Whoever lets the patch leave checks it. */
export interface AdmissionAnswer {
  /** Minimal RFC 6902 patch; empty when the Pod is left as it came. */
  readonly patch: readonly JsonPatchOperation[];
  /** Admission warnings: sentences that `kubectl` prints. */
  readonly warnings: readonly string[];
  readonly decisions: readonly RouteDecision[];
}

/** An image, and the Pod that would run it: what `/debug/route` and `kuik explain` ask. */
export interface ImageQuery {
  readonly image: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly policy: PullPolicy;
  /** Names of Secrets in that namespace, as `spec.imagePullSecrets` has them. */
  readonly pullSecrets: readonly string[];
}
