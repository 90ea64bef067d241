import type { KuikResource } from '#api/kinds.ts';
import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import { copyPlaces } from '#core/mirroring/copy-places.ts';
import { podImages } from '#core/pod-images.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import { type CompiledResource, matchImages, type NamedImage } from './compiled.ts';
import { subjectOf } from './containers.ts';
import type { LiveWorkload } from './live-workloads.ts';
import { type AskedResource, nearMiss } from './near-miss.ts';
import type { ImageChange, RoutedWorkload, WorkloadChange } from './what-if.ts';

/** What one resource would do, were it applied now. */
export interface ResourcePlan {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** What is wrong in it: it would be left out, whole or in part. */
  readonly problems: readonly FieldProblem[];
  /** Images of Pods that live which it is about, in full form, by name. */
  readonly images: readonly string[];
  /** Images that one of its fields leaves out though they come near, by name. */
  readonly leftOut: readonly LeftOutImage[];
  /** Workloads whose Pods, created again, would run something else than without it. */
  readonly rerouted: readonly WorkloadChange[];
  readonly copies: readonly PlannedCopy[];
}

/** An image that a field of the resource leaves out. */
export interface LeftOutImage extends FieldProblem {
  readonly image: string;
}

/** One image that would be copied. */
export interface PlannedCopy {
  readonly image: string;
  /** Where the copies would be. */
  readonly copies: readonly string[];
  /** Of one copy, as the manifests say; absent where nobody could tell. */
  readonly bytes?: number;
  /** Why the size is not known. */
  readonly message?: string;
}

/** All that was planned. */
export interface PlanReport {
  readonly plans: readonly ResourcePlan[];
  /** Of all copies together: what several images share is counted once a registry. */
  readonly bytes: number;
  /** Workloads that were looked at, and not: too many, or the time was over. */
  readonly workloads: number;
  readonly undecided: number;
}

/** Asks what resources would do, were they applied. */
export type PlanResources = (
  resources: readonly KuikResource[],
  signal: AbortSignal,
) => Promise<PlanReport>;

/** An image that a resource is about, and a workload that uses it. */
export interface CoveredImage {
  readonly image: string;
  readonly reference: ImageReference;
  readonly workload: LiveWorkload;
  /** Where the copies would be; none unless the resource mirrors. */
  readonly copies: readonly string[];
}

/** What a compiled resource is about. */
export interface Coverage {
  /** By image. */
  readonly covered: ReadonlyMap<string, CoveredImage>;
  readonly leftOut: readonly LeftOutImage[];
}

/**
 * Which images of these workloads the resource is about, and what its fields leave out; yields after
 * each workload, where others may go in between.
 */
export function* coverageInSteps(
  asked: AskedResource,
  workloads: readonly LiveWorkload[],
): Generator<void, Coverage> {
  const covered = new Map<string, CoveredImage>();
  const leftOut = new Map<string, LeftOutImage>();
  for (const workload of workloads) {
    const pod = subjectOf(workload.admission);
    for (const named of imagesOf(workload)) {
      const { text: image, reference } = named;
      if (isAbout(asked.compiled, pod, named)) {
        const copies = copiesOf(asked.compiled, reference);
        covered.set(image, { image, reference, workload, copies });
        continue;
      }
      const miss = nearMiss(asked, named, pod);
      if (miss === undefined) continue;
      leftOut.set(image, { image, field: `spec.${miss.field}`, message: miss.message });
    }
    yield;
  }
  for (const image of covered.keys()) leftOut.delete(image);
  return { covered, leftOut: byImage(leftOut.values()) };
}

/** By name, so that two runs can be compared. */
export function byImage<T extends { readonly image: string }>(items: Iterable<T>): readonly T[] {
  return [...items].toSorted((left, right) => (left.image < right.image ? -1 : 1));
}

/** Workloads that would run something else, each with the images that differ. */
export function reroutedBy(
  resource: string,
  before: readonly RoutedWorkload[],
  after: readonly RoutedWorkload[],
): readonly WorkloadChange[] {
  return after.flatMap(({ workload, decisions }, index) => {
    const known = new Map(before[index]?.decisions?.map((one) => [one.key, one]));
    const images = (decisions ?? []).flatMap((decision): readonly ImageChange[] => {
      const { key, winner, by, message } = decision;
      const now = known.get(key);
      if (now === undefined || now.winner === winner) return [];
      if (by !== resource && now.by !== resource) return [];
      return [{ container: key, now: now.winner, afterwards: winner, by, message }];
    });
    const { namespace, kind, name, pods } = workload;
    return images.length === 0 ? [] : [{ namespace, kind, name, pods, images }];
  });
}

/**
 * The resource without the Secrets that it alone names: who may ask what a resource would do may not
 * have the operator send credentials to wherever the resource says.
 */
export function withoutNewSecrets(resource: KuikResource, applied?: KuikResource): KuikResource {
  const known = new Set(entriesOf(applied).map((entry) => JSON.stringify(keyOf(entry))));
  const strip = (entry: WrittenEntry): WrittenEntry => {
    if (known.has(JSON.stringify(keyOf(entry)))) return entry;
    const { credentialSecret: _, pullCredentialSecret: __, ...rest } = entry;
    return rest;
  };
  const { upstreams, mirrors } = (resource.spec ?? {}) as WrittenSpec;
  const spec = {
    ...resource.spec,
    ...(upstreams !== undefined && { upstreams: upstreams.map(strip) }),
    ...(mirrors !== undefined && { mirrors: mirrors.map(strip) }),
  };
  return { ...resource, spec } as KuikResource;
}

interface WrittenEntry {
  readonly registry: string;
  readonly path?: string;
  readonly credentialSecret?: unknown;
  readonly pullCredentialSecret?: unknown;
}

interface WrittenSpec {
  readonly upstreams?: readonly WrittenEntry[];
  readonly mirrors?: readonly WrittenEntry[];
}

function entriesOf(resource: KuikResource | undefined): readonly WrittenEntry[] {
  const { upstreams = [], mirrors = [] } = (resource?.spec ?? {}) as WrittenSpec;
  return [...upstreams, ...mirrors];
}

function keyOf({ registry, path, credentialSecret, pullCredentialSecret }: WrittenEntry): unknown {
  return [registry, path, credentialSecret, pullCredentialSecret];
}

function imagesOf({ admission }: LiveWorkload): readonly NamedImage[] {
  return podImages(admission.pod).flatMap(({ image }) => {
    const read = parseReference(image);
    return read.ok ? [{ reference: read.value, text: formatReference(read.value) }] : [];
  });
}

function isAbout(compiled: CompiledResource, pod: PodSubject, named: NamedImage): boolean {
  const { ownNamespace, images } = compiled.scope;
  if (ownNamespace !== undefined && ownNamespace !== pod.namespace) return false;
  if (!compiled.matchesPod(pod)) return false;
  if (compiled.type === 'availability') return matchImages(images, named.reference) !== null;
  return compiled.match(named) !== null;
}

function copiesOf(compiled: CompiledResource, reference: ImageReference): readonly string[] {
  if (compiled.type !== 'mirror') return [];
  return copyPlaces(compiled.entries, reference).map(({ copy }) => copy);
}
