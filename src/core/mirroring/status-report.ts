import { compare } from '#core/compare.ts';
import { hasFailed, isMirrored } from './mirror-status.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';
import type { RunningCopy } from './running-copy.ts';

/** How mirroring fares, for whoever asks `kuik status`. */
export interface MirroringReport {
  /** Whether the replica that answers leads: copies that run are the leader's alone to tell. */
  readonly leads: boolean;
  /** Resources that mirror. */
  readonly resources: number;
  /** Their images, each counted by each of them. */
  readonly images: number;
  /** Images that have all their copies. */
  readonly mirrored: number;
  /** Images with a copy that has an error. */
  readonly failed: number;
  readonly running: readonly RunningCopy[];
  /** By resource, then mirror. */
  readonly faults: readonly MirrorFault[];
}

/** Copies of one resource on one mirror of which something is wrong. */
export interface MirrorFault {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** `<registry>[/<path>]`. */
  readonly mirror: string;
  readonly copies: number;
  /** The first by name. */
  readonly first: Pick<MirrorCopy, 'copy' | 'state'> & {
    readonly image: string;
    readonly lastError: string;
  };
}

/** Makes the report of images that are added one by one, so that they can come in slices. */
export function createMirroringReport(mirrorOf: MirrorOf) {
  const counts = { images: 0, mirrored: 0, failed: 0 };
  const faults = new Map<string, MirrorFault>();
  const addFault = (fault: MirrorFault): void => {
    const key = `${fault.resource} ${fault.mirror}`;
    const known = faults.get(key);
    const isFirst = known === undefined || compare(fault.first.image, known.first.image) < 0;
    const copies = (known?.copies ?? 0) + 1;
    faults.set(key, { ...fault, copies, first: isFirst ? fault.first : known.first });
  };
  return {
    add: (image: MirroredImage): void => {
      counts.images += 1;
      if (isMirrored(image)) counts.mirrored += 1;
      if (!hasFailed(image)) return;
      counts.failed += 1;
      for (const fault of faultsOf(image, mirrorOf)) addFault(fault);
    },
    finish: (): Pick<MirroringReport, 'images' | 'mirrored' | 'failed' | 'faults'> => ({
      ...counts,
      faults: [...faults.values()].sort(
        (left, right) =>
          compare(left.resource, right.resource) || compare(left.mirror, right.mirror),
      ),
    }),
  };
}

/** The mirror of a resource that a copy lies on. */
export type MirrorOf = (resource: string, copy: string) => string;

/** The longest of these mirrors (`<registry>[/<path>]`) that a copy lies under, else its registry. */
export function mirrorAbove(mirrors: readonly string[], copy: string): string {
  const above = mirrors.filter((mirror) => copy.startsWith(`${mirror}/`));
  const registry = copy.slice(0, copy.indexOf('/'));
  return above.reduce((longest, one) => (one.length > longest.length ? one : longest), registry);
}

function* faultsOf(
  { resource, image, copies }: MirroredImage,
  mirrorOf: MirrorOf,
): Generator<MirrorFault> {
  for (const { copy, state, lastError } of copies) {
    if (lastError === undefined) continue;
    const first = { image, copy, state, lastError };
    yield { resource, mirror: mirrorOf(resource, copy), copies: 1, first };
  }
}
