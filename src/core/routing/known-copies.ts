import type { ClusterImageSetMirror, ImageSetMirror, MirrorEntry } from '#api/image-set-mirror.ts';
import type { ListedCopy, MirrorCopyState } from '#api/image-set-mirror-status.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import { readLocation } from './location.ts';

/**
 * What the statuses of the mirror kinds say of their copies, so that every replica knows it without
 * more. It lives on while routing tables come and go: of many resources the one whose status changed
 * is read anew, and all that is recorded of one copy is found at once.
 */
export class KnownCopies {
  readonly #byResource = new Map<string, ReadStatus>();
  /** By `placeKey`: one copy may be written in several ways. */
  readonly #byCopy = new Map<string, readonly CopyRecord[]>();

  /** Whether nothing is recorded at all, which is how asking costs nothing. */
  get isEmpty(): boolean {
    return this.#byCopy.size === 0;
  }

  /** All that is recorded of a copy, by its image in full form. */
  readonly recordsOf = (copy: string): readonly CopyRecord[] =>
    this.#byCopy.get(placeKeyOf(copy)) ?? noRecords;

  /** Takes in what this resource says now. */
  readonly read = (resource: KuikResource): void => {
    const origin = resourceName(resource);
    if (!isMirror(resource) || this.#byResource.get(origin)?.resource === resource) return;
    this.#forget(origin);
    const records = readRecords(resource);
    if (records.length === 0) return;
    this.#byResource.set(origin, { resource, records });
    for (const record of records) {
      const key = placeKeyOf(record.copy);
      const others = this.#byCopy.get(key);
      this.#byCopy.set(key, others === undefined ? [record] : [...others, record]);
    }
  };

  /** Forgets what is recorded by others than these, by `Kind/[namespace/]name`. */
  readonly keepOnly = (origins: ReadonlySet<string>): void => {
    for (const origin of this.#byResource.keys()) if (!origins.has(origin)) this.#forget(origin);
  };

  #forget(origin: string): void {
    const { records } = this.#byResource.get(origin) ?? { records: noRecords };
    for (const { copy } of records) {
      const others = this.recordsOf(copy).filter(({ resource }) => resource !== origin);
      if (others.length === 0) this.#byCopy.delete(placeKeyOf(copy));
      else this.#byCopy.set(placeKeyOf(copy), others);
    }
    this.#byResource.delete(origin);
  }
}

/** What one status says, and of which object it was read: the same object says the same. */
interface ReadStatus {
  readonly resource: KuikResource;
  readonly records: readonly CopyRecord[];
}

/** What one resource records of one copy of one original. */
export interface CopyRecord {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** Of the resource; absent where it is cluster-scoped. */
  readonly namespace: string | undefined;
  /** The copy's image, in full form. */
  readonly copy: string;
  /** The image that it was made from, or is to be, in full form. */
  readonly original: string;
  /** Absent where kuik v2 wrote it. */
  readonly state?: MirrorCopyState;
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

const noRecords: readonly CopyRecord[] = [];

type MirrorResource = ImageSetMirror | ClusterImageSetMirror;

function isMirror(resource: KuikResource): resource is MirrorResource {
  return resource.kind === 'ImageSetMirror' || resource.kind === 'ClusterImageSetMirror';
}

/**
 * Statuses are written by a leader of ours, in full forms: to parse each image anew takes tens of
 * milliseconds for two thousand copies, while reviews wait.
 */
function readRecords(resource: MirrorResource): readonly CopyRecord[] {
  const isGoing = goingCopies(resource);
  const { namespace } = resource.metadata;
  const of = { resource: resourceName(resource), namespace };
  const listed = resource.status?.matchingImages ?? [];
  return listed.flatMap(({ image: original, mirrors = [] }) =>
    mirrors.map(({ image: copy, ...recorded }) => ({
      ...{ ...of, copy, original },
      ...readRecord(recorded, isGoing(copy)),
    })),
  );
}

function readRecord(
  { state, mirroredAt = '', adopted = false, platforms, lastError }: Omit<ListedCopy, 'image'>,
  isGoing: boolean,
): Omit<CopyRecord, 'resource' | 'namespace' | 'copy' | 'original'> {
  return {
    ...(state !== undefined && { state }),
    isThere: mirroredAt !== '' && !mirroredAt.startsWith(zeroYear) && state !== 'Collision',
    isExpired: state === 'Expired' || isGoing,
    isAdopted: adopted,
    ...(platforms !== undefined && { platforms }),
    ...(lastError !== undefined && { lastError }),
  };
}

/** Go's zero time, which kuik v2 writes for a time that is not set. */
const zeroYear = '0001-';

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
