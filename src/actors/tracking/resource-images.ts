import type { ImageReference } from '#core/image/reference.ts';

/** What is kept of one image beside its actor: what does not change with what is known of it. */
export interface ResourceImage {
  readonly reference: ImageReference;
  /** `namespace/name` of those of the Pods that use it, or of the last that did. */
  readonly pullSecrets: readonly string[];
  /** It was tracked before this process led and had no Pod since: nobody knows its Secrets. */
  readonly hasUnknownSecrets: boolean;
}

interface RegistryCount {
  readonly registry: string;
  images: number;
}

const noSecrets: readonly string[] = [];

/** The images that one resource tracks, and how many of them each registry has. */
export class ResourceImages {
  readonly #images = new Map<string, ResourceImage>();
  readonly #registries = new Map<string, RegistryCount>();
  /** Images without a Pod: with a lively cluster ever more, so they are looked at when one expires. */
  readonly unused = new Set<string>();

  readonly get = (image: string): ResourceImage | undefined => this.#images.get(image);

  readonly has = (image: string): boolean => this.#images.has(image);

  readonly names = (): Iterable<string> => this.#images.keys();

  /** Kept up image by image: twenty thousand are not to be gone through whenever somebody asks. */
  readonly counts = (): ReadonlyMap<string, number> =>
    new Map([...this.#registries].map(([registry, { images }]) => [registry, images]));

  /**
   * Takes an image in, one that another process tracked or a new one; answers with its registry, the
   * same text for all images of it: what counts by registry then compares no characters.
   */
  readonly add = (image: string, reference: ImageReference, from: 'status' | 'pods'): string => {
    this.delete(image);
    const count = this.#countOf(reference.registry);
    const { registry } = count;
    count.images += 1;
    const kept = { ...reference, registry };
    const hasUnknownSecrets = from === 'status';
    this.#images.set(image, { reference: kept, pullSecrets: noSecrets, hasUnknownSecrets });
    return registry;
  };

  /** It is used with these pull secrets now; without a Pod those of the last one stay. */
  readonly use = (image: string, pullSecrets: readonly string[]): void => {
    const known = this.#images.get(image);
    if (known === undefined) return;
    const kept = pullSecrets.length === 0 ? noSecrets : pullSecrets;
    if (kept === known.pullSecrets && !known.hasUnknownSecrets) return;
    this.#images.set(image, { ...known, pullSecrets: kept, hasUnknownSecrets: false });
  };

  readonly delete = (image: string): void => {
    const known = this.#images.get(image);
    if (known === undefined) return;
    this.#images.delete(image);
    this.unused.delete(image);
    const count = this.#countOf(known.reference.registry);
    count.images -= 1;
    if (count.images === 0) this.#registries.delete(count.registry);
  };

  #countOf(registry: string): RegistryCount {
    const known = this.#registries.get(registry);
    if (known !== undefined) return known;
    const count = { registry, images: 0 };
    this.#registries.set(registry, count);
    return count;
  }
}
