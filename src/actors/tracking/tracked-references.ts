import type { ImageReference } from '#core/image/reference.ts';

/** The images that one resource tracks, and how many of them each registry has. */
export class TrackedReferences {
  readonly #references = new Map<string, ImageReference>();
  readonly #registries = new Map<string, RegistryCount>();

  readonly all = (): ReadonlyMap<string, ImageReference> => this.#references;

  /** Kept up image by image: twenty thousand are not to be gone through whenever somebody asks. */
  readonly counts = (): ReadonlyMap<string, number> =>
    new Map([...this.#registries].map(([registry, { images }]) => [registry, images]));

  /**
   * Takes an image in; answers with its reference, in which the registry is the same text for all
   * images of it: what counts by registry then compares no characters.
   */
  readonly set = (image: string, reference: ImageReference): ImageReference => {
    this.delete(image);
    const count = this.#countOf(reference.registry);
    count.images += 1;
    const kept = { ...reference, registry: count.registry };
    this.#references.set(image, kept);
    return kept;
  };

  readonly delete = (image: string): void => {
    const reference = this.#references.get(image);
    if (reference === undefined) return;
    this.#references.delete(image);
    const count = this.#countOf(reference.registry);
    count.images -= 1;
    if (count.images === 0) this.#registries.delete(reference.registry);
  };

  #countOf(registry: string): RegistryCount {
    const known = this.#registries.get(registry);
    if (known !== undefined) return known;
    const count = { registry, images: 0 };
    this.#registries.set(registry, count);
    return count;
  }
}

interface RegistryCount {
  readonly registry: string;
  images: number;
}
