/** With which Secrets an image is checked. */
export interface LastPullSecrets {
  readonly pullSecrets: readonly string[];
  /** It was tracked before this process led and had no Pod since: nobody knows its Secrets. */
  readonly hasUnknownSecrets: boolean;
}

/** Pull secrets of those who use the images of one resource, or did last. */
export class PullSecretMemory {
  /** One that needs none is not in it. */
  readonly #pullSecrets = new Map<string, readonly string[]>();
  readonly #strangers = new Set<string>();

  /** An image that another process tracked. */
  restored(image: string): void {
    this.#strangers.add(image);
  }

  /** With those of the Pods that use it now; `undefined` where none does: with those of the last. */
  takeUp(image: string, current: readonly string[] | undefined): LastPullSecrets {
    if (current !== undefined) this.#strangers.delete(image);
    const pullSecrets = current ?? this.#pullSecrets.get(image) ?? [];
    if (pullSecrets.length === 0) this.#pullSecrets.delete(image);
    else this.#pullSecrets.set(image, pullSecrets);
    return { pullSecrets, hasUnknownSecrets: this.#strangers.has(image) };
  }

  forget(image: string): void {
    this.#pullSecrets.delete(image);
    this.#strangers.delete(image);
  }
}
