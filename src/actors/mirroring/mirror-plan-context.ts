import type { KuikResource } from '#api/kinds.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { Claimant, ClaimIndex } from '#core/mirroring/claimants.ts';
import type { CopyJudgement } from '#core/mirroring/copy-claims.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { Result } from '#core/result.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';
import type { MirrorPods } from './mirror-pods.ts';
import type { FinalizersChange } from './set-finalizers.ts';

/** What one resource is planned with. */
export interface MirrorPlanContext {
  readonly pods: Store<SlimPod>;
  readonly wants: Pick<MirrorPods, 'reader' | 'running' | 'recordChanged' | 'isCounted'>;
  readonly claims: ClaimIndex;
  /** The object as it is stored now; undefined once it is gone. */
  readonly objectOf: (resource: string) => KuikResource | undefined;
  /** As it is compiled now; one that is being deleted, or has a mistake, is not. */
  readonly compiledOf: (resource: string) => CompiledMirror | undefined;
  /** The same of an object that stands in no table. */
  readonly compile: (object: KuikResource) => CompiledMirror | undefined;
  /** By all claims on a place. */
  readonly judge: (key: string) => CopyJudgement;
  /** What a resource's status and overflow say that was mirrored; one try. */
  readonly restore: (
    resource: string,
    signal: AbortSignal,
  ) => Promise<Result<readonly MirroredImage[], { readonly message: string }>>;
  /** Whether all resources are restored, before which nothing is planned. */
  readonly isReady: () => boolean;
  /** Whether a DELETE of a copy, by its full form, is on its way. */
  readonly isBeingDeleted: (copy: string) => boolean;
  /** Whether only kubelets can pull an image (`monitoring.nodeOnly`): it is never copied. */
  readonly isNodeOnly: (reference: ImageReference) => boolean;
  /** Makes the finalizers of an object right; what cannot be written now is written another time. */
  readonly keepFinalizers: (change: FinalizersChange, signal: AbortSignal) => Promise<void>;
  /** Pods that are left alone want nothing. */
  readonly policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>;
  /** Others whose copies depend on what has changed here. */
  readonly touch: (claimants: readonly Claimant[]) => void;
  readonly listener: MirrorPlanListener;
}

/** Told of what a plan comes to. */
export interface MirrorPlanListener {
  readonly restored: () => void;
  readonly began: (resource: string) => void;
  readonly planned: (resource: string) => void;
  /** It is being deleted: its copies go first. */
  readonly deleting: (resource: string) => void;
  /** Its object is gone, or another has its name. */
  readonly dismissed: (resource: string) => void;
  readonly changed: (resource: string) => void;
}
