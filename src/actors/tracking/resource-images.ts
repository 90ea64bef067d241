import type { KuikSystem } from '#actors/system.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { TrackedEntry } from './tracked-images.ts';

type KnownImage = Omit<TrackedImage, 'resource' | 'registry'>;

interface RegistryCount {
  readonly registry: string;
  images: number;
}

/** The images that one resource tracks, each with its actor, and how many each registry has. */
export class ResourceImages {
  readonly #find: KuikSystem['find'];
  readonly #resource: string;
  readonly #isNodeOnly: (reference: ImageReference) => boolean;
  readonly #entries = new Map<string, TrackedEntry>();
  readonly #registries = new Map<string, RegistryCount>();
  /** Images without a Pod: with a lively cluster ever more, so they are looked at when one expires. */
  readonly unused = new Set<string>();

  constructor(
    { find }: Pick<KuikSystem, 'find'>,
    resource: string,
    isNodeOnly: (reference: ImageReference) => boolean,
  ) {
    this.#find = find;
    this.#resource = resource;
    this.#isNodeOnly = isNodeOnly;
  }

  readonly get = (image: string): TrackedEntry | undefined => this.#entries.get(image);

  readonly names = (): Iterable<string> => this.#entries.keys();

  /** What all of them remember. */
  *tracked(): Generator<TrackedImage> {
    for (const { tracked } of this.#entries.values()) if (tracked !== undefined) yield tracked;
  }

  /** By the one name of each registry, kept up image by image: twenty thousand are not to be gone through whenever somebody asks. */
  readonly counts = (): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const { registry, images } of this.#registries.values()) {
      const host = registryHost(registry);
      counts.set(host, (counts.get(host) ?? 0) + images);
    }
    return counts;
  };

  /** Takes an image in, as it was known before or as nobody knows it yet; one that is there stays. */
  readonly add = (reference: ImageReference, known: KnownImage): TrackedEntry => {
    const before = this.#entries.get(known.image);
    if (before !== undefined) return before;
    const count = this.#countOf(reference.registry);
    // The same text for all images of a registry: what counts by it then compares no characters.
    const { registry } = count;
    const isNodeOnly = this.#isNodeOnly(reference);
    const tracked = {
      ...(isNodeOnly || known.status === 'NodeOnly' ? unchecked(known, isNodeOnly) : known),
      ...{ resource: this.#resource, registry },
    };
    const entry = new TrackedEntry(this.#find, { ...reference, registry }, tracked);
    if (!isNodeOnly) count.images += 1;
    this.#entries.set(known.image, entry);
    if (known.unusedSinceMs !== undefined) this.unused.add(known.image);
    entry.start(tracked);
    return entry;
  };

  readonly remove = (image: string): void => {
    const entry = this.#entries.get(image);
    if (entry === undefined) return;
    this.#entries.delete(image);
    this.unused.delete(image);
    const count = this.#countOf(entry.reference.registry);
    if (!entry.isNodeOnly) count.images -= 1;
    if (count.images === 0) this.#registries.delete(count.registry);
    entry.stop();
  };

  #countOf(registry: string): RegistryCount {
    const known = this.#registries.get(registry);
    if (known !== undefined) return known;
    const count = { registry, images: 0 };
    this.#registries.set(registry, count);
    return count;
  }
}

/** As if it had never been checked: what was known of it then, kubelets may not find so. */
function unchecked(
  { lastMonitorMs: _, lastError: __, ...known }: KnownImage,
  isNodeOnly: boolean,
): KnownImage {
  return { ...known, status: isNodeOnly ? 'NodeOnly' : 'Scheduled' };
}
