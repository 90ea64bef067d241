import type { ObjectMeta } from '#api/kuik-object.ts';

/** The parts of a Pod that kuik reads, as the API server sends them. Everything may be absent. */
export interface PodObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: PodMetadata;
  readonly spec?: PodSpec;
  readonly status?: PodStatus;
}

/** Metadata of a Pod; one that is being created may still be without a name. */
export interface PodMetadata extends Partial<ObjectMeta> {
  readonly generateName?: string;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** One owner of an object; at most one of them is the controller. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Pod status, as far as kuik reads it. */
export interface PodStatus {
  readonly phase?: string;
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
}

/** What a node says of one container. */
export interface ContainerStatus {
  readonly name?: string;
  readonly state?: { readonly waiting?: { readonly reason?: string } };
}

/** Pod spec, as far as kuik reads it. */
export interface PodSpec {
  readonly containers?: readonly ContainerObject[];
  readonly initContainers?: readonly ContainerObject[];
  readonly ephemeralContainers?: readonly ContainerObject[];
  readonly volumes?: readonly VolumeObject[];
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly serviceAccountName?: string;
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly NodeSelectorTerm[];
      };
    };
  };
}

/** One of the terms of which a node has to fulfil any; all requirements of a term have to hold. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
}

/** What a label of a node must be. */
export interface NodeSelectorRequirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: readonly string[];
}

/** `Always`, `IfNotPresent` or `Never`; the API server has set it on what it sends for review. */
export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** One container of any of the three lists. */
export interface ContainerObject {
  readonly name?: string;
  readonly image?: string;
  readonly imagePullPolicy?: PullPolicy;
}

/** One volume; only image volumes matter here. */
export interface VolumeObject {
  readonly name?: string;
  readonly image?: { readonly reference?: string; readonly pullPolicy?: PullPolicy };
}

/** What a review asks of the router: a Pod on CREATE, or its ephemeral containers on UPDATE. */
export interface PodAdmission {
  readonly pod: PodObject;
  /** The Pod before, on UPDATE of `pods/ephemeralcontainers`. */
  readonly oldPod?: PodObject;
  /** The namespace the API server states; `pod.metadata.namespace` may be empty on CREATE. */
  readonly namespace: string;
  readonly subresource: '' | 'ephemeralcontainers';
  /** Nothing may be written anywhere. */
  readonly dryRun: boolean;
  /** The review's uid: what a log line names. */
  readonly uid: string;
  /** Time that was left for the answer when it was asked for, in ms; absent where nobody waits. */
  readonly deadlineMs?: number;
}

/** Whether a Pod has ended: nothing of it runs, and nothing of it is started again. */
export function isFinished({ phase }: { readonly phase: string }): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
