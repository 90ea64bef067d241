import { parseReference } from '#core/image/reference.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { type WorkloadPod, workloadOf } from '#core/monitoring/workloads.ts';
import {
  type ContainerObject,
  isFinished,
  type PodAdmission,
  type PodSpec,
  type VolumeObject,
} from '#core/pod.ts';
import { withoutRouting } from './annotations.ts';
import { rewrites } from './rewritten-images.ts';

/** A Pod as it is kept: as far as it can be created once more. */
export interface LivePod extends WorkloadPod {
  readonly pullSecrets: readonly string[];
}

/** Pods that are the same to routing, and whose they are. */
export interface LiveWorkload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly pods: number;
  /** Container → image as now written. */
  readonly running: Readonly<Record<string, string>>;
  /** The review that one of them would make, were it created again; a dry run. */
  readonly admission: PodAdmission;
}

/** The workloads to decide about. */
export interface LiveWorkloads {
  readonly workloads: readonly LiveWorkload[];
  /** How many came after the last that was taken. */
  readonly left: number;
}

/**
 * The workloads whose Pods live, by namespace, kind and name: at most `max`, and of them those that
 * `isAsked` picks by the images that they run and that their users wrote; yields after each Pod, where
 * others may go in between.
 */
export function* liveWorkloadsInSteps(
  pods: Iterable<LivePod>,
  max: number,
  isAsked: (images: readonly string[]) => boolean = () => true,
): Generator<void, LiveWorkloads> {
  const found = new Map<string, LiveWorkload>();
  const left = new Set<string>();
  const add = (pod: LivePod, originals: Originals) => {
    const owner = workloadOf(pod);
    const key = JSON.stringify([pod.namespace, owner.kind, owner.name, pod.images]);
    const known = found.get(key);
    if (known !== undefined) found.set(key, { ...known, pods: known.pods + 1 });
    else if (found.size < max) found.set(key, create(pod, originals, owner));
    else left.add(key);
  };
  for (const pod of pods) {
    yield;
    if (isFinished(pod)) continue;
    const originals = originalsOf(pod);
    if (isAsked([...Object.values(pod.images), ...originals.values()])) add(pod, originals);
  }
  const keys = [...found.keys()].sort();
  return { workloads: keys.flatMap((key) => found.get(key) ?? []), left: left.size };
}

/** Whether an image is on one of these registries. */
export function isOnRegistry(image: string, hosts: ReadonlySet<string>): boolean {
  const read = parseReference(image);
  return read.ok && hosts.has(registryHost(read.value.registry));
}

/** Container → image as its user wrote it, where that is another. */
type Originals = ReadonlyMap<string, string>;

function originalsOf(pod: LivePod): Originals {
  return new Map(rewrites(pod).map(({ key, original }) => [key, original]));
}

function create(
  pod: LivePod,
  originals: Originals,
  owner: { readonly kind: string; readonly name: string },
): LiveWorkload {
  const { namespace, name, labels, images, pullSecrets } = pod;
  const written = Object.entries(images).map(
    ([key, image]) => [key, originals.get(key) ?? image] as const,
  );
  const metadata = { namespace, name, labels, annotations: withoutRouting(pod.annotations) };
  const spec = {
    ...specOf(written),
    imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })),
  };
  return {
    ...{ namespace, kind: owner.kind, name: owner.name, pods: 1, running: images },
    admission: {
      ...{ pod: { metadata, spec }, namespace },
      ...{ subresource: '' as const, dryRun: true, uid: '' },
    },
  };
}

/** Each image in the list that its key names. */
function specOf(written: readonly (readonly [key: string, image: string])[]): PodSpec {
  const initContainers: ContainerObject[] = [];
  const containers: ContainerObject[] = [];
  const volumes: VolumeObject[] = [];
  for (const [key, image] of written) {
    const [, place = '', name = key] = /^(init|volume):(.*)$/s.exec(key) ?? [];
    if (place === 'volume') volumes.push({ name, image: { reference: image } });
    else (place === 'init' ? initContainers : containers).push({ name, image });
  }
  return { initContainers, containers, volumes };
}
