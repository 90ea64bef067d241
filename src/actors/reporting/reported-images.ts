import type { TimerHeap } from '#actors/timer-heap.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { ListedImage, ListedImagesView } from '#core/status/status-kind.ts';
import { hasOverflow, listedEntries } from '#core/status/status-list.ts';
import type { StatusStore } from './status-store.ts';

/**
 * Makes the view of all images that resources list, on any replica: what this process knows itself,
 * and of other resources what their status says, with their overflow where they have one.
 */
export function reportedImages<Image extends ListedImage, Status>(
  clock: TimerHeap,
  { own, resources, store, nameOf }: ReportedImagesOptions<Image, Status>,
): () => Promise<ListedImagesView<Image>> {
  type Restore = StatusStore<Image, Status>['restore'];
  const { statusKind } = store;
  const remembered = new Map<string, ReturnType<Restore>>();
  const restore = (resource: string): ReturnType<Restore> => {
    const known = remembered.get(resource);
    if (known !== undefined) return known;
    const restoring = store.restore(resource, AbortSignal.timeout(restoreWithinMs));
    remembered.set(resource, restoring);
    clock.after(rememberMs, () => remembered.delete(resource));
    return restoring;
  };
  const imagesOf = async (name: string, status: Partial<Status> = {}) => {
    const whole = hasOverflow(statusKind, status) ? await restore(name) : undefined;
    if (whole?.ok === true && whole.value.length > 0) return whole.value;
    const entries = listedEntries(statusKind, status);
    return entries.flatMap((entry) => statusKind.read(name, entry) ?? []);
  };
  return async () => {
    // Read anew each time: what is asked for may be gone through only once.
    const ours = new Set(own.resources());
    const images = new Map<string, readonly Image[]>();
    for (const resource of resources()) {
      const name = nameOf(resource);
      if (ours.has(name)) continue;
      images.set(name, await imagesOf(name, resource.status as Partial<Status> | undefined));
    }
    return {
      resources: () => [...ours, ...images.keys()],
      imagesOf: (name) => (ours.has(name) ? own.imagesOf(name) : (images.get(name) ?? [])),
    };
  };
}

/** What the images of the whole cluster are found with. */
export interface ReportedImagesOptions<Image extends ListedImage, Status> {
  /** What this process knows itself: nothing, unless it leads. */
  readonly own: ListedImagesView<Image>;
  /** All resources of the kinds that the store is about. */
  readonly resources: () => Iterable<KuikResource>;
  readonly store: Pick<StatusStore<Image, Status>, 'restore' | 'statusKind'>;
  /** How the images name their resource. */
  readonly nameOf: (resource: KuikResource) => string;
}

/** Who asks waits no longer for the overflow of a resource; without it there is its status. */
const restoreWithinMs = 5_000;
/** An overflow is megabytes: it is read once for all who ask within this. */
const rememberMs = 10_000;
