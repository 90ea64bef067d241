import type { MonitoredStatus } from '#api/image-set-availability.ts';
import { compare } from '#core/compare.ts';
import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, parseReference } from '#core/image/reference.ts';
import { isFinished } from '#core/pod.ts';
import { isWrong } from './monitored-image.ts';
import type { TrackedImage, TrackedImages } from './tracked-image.ts';

/** A Pod as far as it says whose it is and what it runs; structurally the slim Pod that `kube` keeps. */
export interface WorkloadPod extends PodSubject {
  readonly name: string;
  /** Container → image as now written. */
  readonly images: Readonly<Record<string, string>>;
  readonly phase: string;
  /** The controlling owner. */
  readonly owner?: { readonly kind: string; readonly name: string };
}

/** A resource that monitors, and the Pods it is about. */
export interface MonitoringScope {
  readonly name: string;
  readonly matchesPod: (pod: PodSubject) => boolean;
}

/** An image of a workload that a node could not pull, as one resource knows. */
export interface WorkloadImage {
  readonly image: string;
  readonly status: MonitoredStatus;
  /** The resource that says so. */
  readonly cisa: string;
  readonly lastError?: string;
  readonly lastMonitorMs?: number;
}

/** A workload that could not start again where its images are not there already. */
export interface WorkloadAtRisk {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** Pods of it that use such an image. */
  readonly pods: number;
  /** By name, one entry an image. */
  readonly images: readonly WorkloadImage[];
}

/** What is known of the cluster. */
export interface WorkloadsState {
  readonly pods: Iterable<WorkloadPod>;
  readonly scopes: readonly MonitoringScope[];
  readonly tracked: Pick<TrackedImages, 'imagesOf'>;
}

/**
 * Finds the workloads that could not start again elsewhere, from images and Pods added one by one, so
 * that they can come in slices: an image that one of their Pods runs, as
 * now written, is not available to a resource that is about the Pod, and to no other such resource
 * either. Pods that have ended start nothing again.
 */
export function createWorkloadsFinder(scopes: readonly MonitoringScope[]) {
  const verdicts = new Map<string, Verdict>();
  const endings = new Set<string>();
  const byName = new Map(scopes.map((scope) => [scope.name, scope]));
  const workloads = new Map<string, WorkloadSoFar>();
  return {
    /** First all images that resources track. */
    addImage: (image: TrackedImage): void => {
      if (!isWrong(image.status) || image.unusedSinceMs !== undefined) return;
      const verdict = verdicts.get(image.image) ?? { wrong: [], available: new Set() };
      verdict.wrong.push(image);
      verdicts.set(image.image, verdict);
      endings.add(lastPart(image.image));
    },
    /** Whether none of them is wrong, so that nothing is at risk. */
    isEmpty: (): boolean => verdicts.size === 0,
    /** Then, where there are several resources, all of them once more. */
    addAvailable: ({ image, status, resource }: TrackedImage): void => {
      if (status === 'Available') verdicts.get(image)?.available.add(resource);
    },
    /** Then all Pods. */
    addPod: (pod: WorkloadPod): void => {
      if (isFinished(pod)) return;
      const images = namesOf(pod, endings).flatMap((image) =>
        judge(pod, verdicts.get(image), byName),
      );
      if (images.length > 0) addPod(workloads, pod, images);
    },
    /** By namespace, kind and name. */
    all: () => inOrder(workloads),
  };
}

/** What the resources say of one image that at least one of them finds wrong. */
interface Verdict {
  readonly wrong: TrackedImage[];
  /** Resources that can pull it. */
  readonly available: Set<string>;
}

function* inOrder(workloads: ReadonlyMap<string, WorkloadSoFar>): Generator<WorkloadAtRisk> {
  for (const key of [...workloads.keys()].sort()) {
    const workload = workloads.get(key);
    if (workload === undefined) continue;
    const images = [...workload.images.values()];
    yield {
      ...workload,
      images: images.sort((left, right) => compare(left.image, right.image)),
    };
  }
}

/** The full forms of those images of a Pod that may be among the wrong ones, each once. */
function namesOf({ images }: WorkloadPod, endings: ReadonlySet<string>): readonly string[] {
  const names = new Set<string>();
  for (const text of Object.values(images)) {
    // To normalise a name never changes its last part, and parsing all of a cluster's is dear.
    if (!endings.has(lastPart(text))) continue;
    const parsed = parseReference(text);
    if (parsed.ok) names.add(formatReference(parsed.value));
  }
  return [...names];
}

function lastPart(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1);
}

function judge(
  pod: WorkloadPod,
  verdict: Verdict | undefined,
  scopes: ReadonlyMap<string, MonitoringScope>,
): readonly WorkloadImage[] {
  const isAbout = (resource: string) => scopes.get(resource)?.matchesPod(pod) === true;
  const wrong = verdict?.wrong.find(({ resource }) => isAbout(resource));
  if (verdict === undefined || wrong === undefined) return [];
  if ([...verdict.available].some(isAbout)) return [];
  const { image, status, resource: cisa, lastError, lastMonitorMs } = wrong;
  return [
    {
      ...{ image, status, cisa },
      ...(lastError !== undefined && { lastError }),
      ...(lastMonitorMs !== undefined && { lastMonitorMs }),
    },
  ];
}

interface WorkloadSoFar extends Omit<WorkloadAtRisk, 'pods' | 'images'> {
  pods: number;
  readonly images: Map<string, WorkloadImage>;
}

function addPod(
  workloads: Map<string, WorkloadSoFar>,
  pod: WorkloadPod,
  images: readonly WorkloadImage[],
): void {
  const identity = { namespace: pod.namespace, ...workloadOf(pod) };
  const key = `${identity.namespace}/${identity.kind}/${identity.name}`;
  const known = workloads.get(key) ?? { ...identity, pods: 0, images: new Map() };
  known.pods += 1;
  for (const image of images) known.images.set(image.image, image);
  workloads.set(key, known);
}

/**
 * Whom a person calls the owner: a Deployment names its ReplicaSets after itself and the hash of
 * their template, which their Pods carry as a label. The CronJob of a Job cannot be told from it.
 */
export function workloadOf({
  name,
  labels,
  owner,
}: Pick<WorkloadPod, 'name' | 'labels' | 'owner'>): NonNullable<WorkloadPod['owner']> {
  // A static Pod belongs to its Node, which starts nothing else.
  if (owner === undefined || owner.kind === 'Node') return { kind: 'Pod', name };
  const ending = `-${labels['pod-template-hash'] ?? ''}`;
  if (owner.kind === 'ReplicaSet' && ending !== '-' && owner.name.endsWith(ending)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -ending.length) };
  }
  return { kind: owner.kind, name: owner.name };
}
