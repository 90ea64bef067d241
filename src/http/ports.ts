import type { Cancellation } from '#core/cancellation.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { WorkloadsReport } from '#core/monitoring/workloads-report.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import type { JsonPatchOperation } from '#core/routing/patch.ts';

/** What the router says to one review. The webhook checks the patch again before it leaves. */
export interface AdmissionAnswer {
  /** Minimal RFC 6902 patch; empty when the Pod is left as it came. */
  readonly patch: readonly JsonPatchOperation[];
  /** Admission warnings: sentences that `kubectl` prints. */
  readonly warnings: readonly string[];
  readonly decisions: readonly RouteDecision[];
}

/** Routes the Pod of one review, at once where nothing has to be asked for it. */
export type AdmitPort = (
  admission: PodAdmission,
  cancellation: Cancellation,
) => MaybePromise<AdmissionAnswer>;

/** What `/debug/route` and `kuik explain` ask. */
export interface ExplainQuery {
  readonly image: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly policy: 'Always' | 'IfNotPresent' | 'Never';
  /** Names of Secrets in that namespace, as `spec.imagePullSecrets` has them. */
  readonly pullSecrets: readonly string[];
}

/** Asks what a Pod with this image would get; changes nothing. */
export type ExplainPort = (query: ExplainQuery, signal: AbortSignal) => Promise<RouteDecision>;

/** Whether the process is ready, and what it still waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
}

/** Read at each `/readyz`. */
export type ReadinessPort = () => Readiness;

/** The exposition text of all metrics and its content type. */
export type MetricsPort = () => Promise<{ readonly contentType: string; readonly body: string }>;

/** All monitored images as this replica knows them, the leader's own or those of the statuses. */
export type MonitoredImagesPort = () => Promise<Pick<TrackedImages, 'resources' | 'imagesOf'>>;

/** What `/status/workloads` answers with, of one namespace or of all. */
export type WorkloadsPort = (namespace?: string) => Promise<WorkloadsReport>;

/** One actor in a list. */
export interface ActorSummary {
  readonly id: string;
  readonly type: string;
  /** Every active state, `region.State` where regions are parallel. */
  readonly state: readonly string[];
  /** RFC 3339, UTC: when it entered that state. */
  readonly since: string;
}

/** One state change of an actor, newest last. */
export interface TransitionView {
  readonly at: string;
  readonly event: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** One actor in full; `context` never holds a secret. */
export interface ActorDetail extends ActorSummary {
  readonly context: unknown;
  readonly transitions: readonly TransitionView[];
  readonly children: readonly string[];
}

/** `/debug/actors` in pages of `limit`, ordered by id. */
export interface ActorListQuery {
  readonly type?: string;
  readonly state?: string;
  readonly q?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** A page of actors; `next` is the cursor of the page after it. */
export interface ActorPage {
  readonly actors: readonly ActorSummary[];
  readonly next: string | null;
}

/** Looks at the running actors; changes nothing. */
export interface ActorsPort {
  readonly list: (query: ActorListQuery) => ActorPage;
  readonly get: (id: string) => ActorDetail | undefined;
  /** Who leads, for a follower's debug page: the holder of the Lease, or `null`. */
  readonly leader: () => string | null;
}

/** One machine: its definition as JSON, and drawn as Mermaid `stateDiagram-v2` text. */
export interface MachineView {
  readonly id: string;
  readonly description: string;
  readonly definition: unknown;
  readonly diagram: string;
}

/** The machines by file name, as in `docs/machines/`. */
export interface MachinesPort {
  readonly list: () => readonly { readonly id: string; readonly description: string }[];
  readonly get: (id: string) => MachineView | undefined;
}
