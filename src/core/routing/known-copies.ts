import type { ClusterImageSetMirror, ImageSetMirror, MirrorEntry } from '#api/image-set-mirror.ts';
import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import { readMirroredImage } from '#core/mirroring/status-entry.ts';
import { readLocation } from './location.ts';

/**
 * What the statuses of the mirror kinds say of their copies, so that every replica knows it without
 * more: immutable, and of many resources the one that changed is read anew.
 */
export type KnownCopies = ReadonlyMap<string, ResourceCopies>;

/** What one status says, by `Kind/[namespace/]name`. */
export interface ResourceCopies {
  /** What it was read from; the same object says the same. */
  readonly resource: KuikResource;
  /** By the copy's image, in full form; several where originals would share a place. */
  readonly records: ReadonlyMap<string, readonly CopyRecord[]>;
}

/** What is recorded of one copy of one original. */
export interface CopyRecord {
  /** The image that it was made from, or is to be, in full form. */
  readonly original: string;
  readonly state: MirrorCopyState;
  /** Whether it was made, or found, and not lost since. */
  readonly isThere: boolean;
  /** Whether it may be deleted at any time (behaviour §5). */
  readonly isExpired: boolean;
  /** Whether it was found there: none of our resources wrote it, and none deletes it. */
  readonly isAdopted: boolean;
  /** As `os/architecture[/variant]`, of a copy that was cut. */
  readonly platforms?: readonly string[];
  readonly lastError?: string;
}

/** The same with what this resource says now. */
export function withCopiesOf(known: KnownCopies, resource: KuikResource): KnownCopies {
  const origin = resourceName(resource);
  const before = known.get(origin);
  const copies = copiesOf(resource, before);
  if (copies === before) return known;
  const next = new Map(known);
  if (copies === undefined) next.delete(origin);
  else next.set(origin, copies);
  return next;
}

/** What this resource says, taken over where it is the same; undefined where it lists no copy. */
export function copiesOf(
  resource: KuikResource,
  before: ResourceCopies | undefined,
): ResourceCopies | undefined {
  if (before?.resource === resource) return before;
  const records = isMirror(resource) ? readRecords(resource) : noRecords;
  return records.size === 0 ? undefined : { resource, records };
}

const noRecords: ResourceCopies['records'] = new Map();

type MirrorResource = ImageSetMirror | ClusterImageSetMirror;

function isMirror(resource: KuikResource): resource is MirrorResource {
  return resource.kind === 'ImageSetMirror' || resource.kind === 'ClusterImageSetMirror';
}

function readRecords(resource: MirrorResource): ResourceCopies['records'] {
  const records = new Map<string, CopyRecord[]>();
  const isGoing = goingCopies(resource);
  for (const entry of resource.status?.matchingImages ?? []) {
    const read = readMirroredImage('', entry, 0);
    for (const { copy, ...recorded } of read?.copies ?? []) {
      const record = recordOf(read?.image ?? '', recorded, isGoing(copy));
      const others = records.get(copy);
      if (others === undefined) records.set(copy, [record]);
      else others.push(record);
    }
  }
  return records;
}

function recordOf(
  original: string,
  { state, mirroredAtMs, adopted = false, platforms, lastError }: Omit<MirrorCopy, 'copy'>,
  isGoing: boolean,
): CopyRecord {
  return {
    ...{ original, state, isAdopted: adopted },
    isThere: mirroredAtMs !== undefined && state !== 'Collision',
    isExpired: state === 'Expired' || isGoing,
    ...(platforms !== undefined && { platforms }),
    ...(lastError !== undefined && { lastError }),
  };
}

/** Whether a copy counts as `Expired` because its resource is being deleted, with its copies. */
function goingCopies({ metadata, spec = {} }: MirrorResource): (copy: string) => boolean {
  if (metadata.deletionTimestamp === undefined) return () => false;
  const entries = (spec.mirrors ?? []).map((entry) => ({
    prefix: prefixOf(entry),
    isCleaned: (entry.cleanup ?? spec.cleanup)?.enabled === true,
  }));
  return (copy) => {
    const covering = entries.filter(({ prefix }) => copy.startsWith(prefix));
    // Of a mirror that was taken out of the spec the resource's own is what is left.
    if (covering.length === 0) return spec.cleanup?.enabled === true;
    return covering.some(({ isCleaned }) => isCleaned);
  };
}

function prefixOf(entry: MirrorEntry): string {
  const location = readLocation(entry, 'spec.mirrors');
  const { registry, path } = location.ok ? location.value : { registry: entry.registry, path: '' };
  return path === '' ? `${registry}/` : `${registry}/${path}/`;
}
