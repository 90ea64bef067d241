import type { KuikSystem } from '#actors/system.ts';
import type { MirrorStatus } from '#core/mirroring/mirror-status.ts';
import type { MirroredImage, MirroredImages } from '#core/mirroring/mirrored-image.ts';
import type { MirrorStore } from './mirror-store.ts';
import { addOrphanedOverflow, type OrphanedOverflowOptions } from './orphaned-overflow.ts';
import { addStatusWriters, type StatusWriters } from './status-writers.ts';

/**
 * Writes what both mirror kinds list while this process leads, and cleans up after namespaced ones.
 * Whoever pushes or deletes copies awaits here that their entries stand.
 */
export function addMirrorStatus(
  system: KuikSystem,
  { images, store, overflow }: MirrorStatusOptions,
): StatusWriters {
  addOrphanedOverflow(system, overflow);
  return addStatusWriters<MirroredImage, MirrorStatus>(system, {
    ...{ images, store },
    ids: { writers: 'mirror-status-writers', changes: 'mirror-status-changes' },
  });
}

/** What is written, and with what. */
export interface MirrorStatusOptions {
  /** Names a resource only once all that was mirrored before is there again. */
  readonly images: MirroredImages;
  readonly store: MirrorStore;
  readonly overflow: OrphanedOverflowOptions;
}
