import type { Runtime } from '#actors/runtime.ts';
import { apiVersion } from '#api/kinds.ts';
import {
  type AvailabilityStatus,
  availabilityStatus,
} from '#core/monitoring/availability-status.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { StatusOwner } from './overflow-objects.ts';
import { StatusStore, type StatusStoreOptions } from './status-store.ts';

/** What is written of monitored images. */
export type AvailabilityStore = StatusStore<TrackedImage, AvailabilityStatus>;

/** Makes the store of ClusterImageSetAvailabilities, which are named by their names alone. */
export function availabilityStore(
  runtime: Pick<Runtime, 'log'>,
  where: Pick<StatusStoreOptions<TrackedImage, AvailabilityStatus>, 'client' | 'namespace'>,
): AvailabilityStore {
  return new StatusStore(runtime, {
    ...where,
    statusKind: availabilityStatus,
    fieldManager: 'kuik-availability',
    unreadMessage: 'what was monitored cannot be read yet',
    identityOf: (name) => ({ kind, name }),
  });
}

const kind = 'ClusterImageSetAvailability';

/** A resource of that name and uid, as others name it. */
export function ownerOf(name: string, uid: string): StatusOwner {
  return { apiVersion, kind, name, uid };
}
