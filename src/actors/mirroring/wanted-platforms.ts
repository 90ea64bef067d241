import type { Runtime } from '#actors/runtime.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KeptPlatforms } from '#core/mirroring/outdated-copy.ts';
import { keptPlatforms, type PlatformsSetting } from '#core/mirroring/platforms.ts';

/** By what it is known which platforms are wanted. */
export interface WantedPlatformsOptions {
  /** `mirroring.platforms`. */
  readonly setting: PlatformsSetting;
  readonly resources: Pick<WatchedResources, 'architectures'> & {
    readonly nodes: Pick<WatchedResources['nodes'], 'subscribe' | 'synced'>;
  };
  /** Called when more of them are wanted than before, so that what stands is held against that. */
  readonly grown: () => void;
}

/** Pools of several architectures that join together cost their copies one round. */
const settleMs = 10_000;

/**
 * The platforms that copies keep. With `auto` a term only ever learns of more architectures: nodes
 * that come and go, as pools are rolled or scaled to nothing, have nothing copied in circles.
 */
export class WantedPlatforms {
  readonly #clock: Runtime['clock'];
  readonly #options: WantedPlatformsOptions;
  #architectures: ReadonlySet<string> = new Set();
  #cancel: (() => void) | undefined;

  constructor({ clock }: Pick<Runtime, 'clock'>, options: WantedPlatformsOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** What a copy that is made now keeps: all of it as long as no node is known. */
  readonly kept = (): KeptPlatforms => {
    this.#learn();
    return keptPlatforms(this.#options.setting, this.#architectures);
  };

  /** What copies that stand are held against; undefined as long as nobody knows. */
  readonly wanted = (): KeptPlatforms | undefined => {
    const kept = this.kept();
    const isKnown = this.#options.setting !== 'auto' || this.#architectures.size > 0;
    return isKnown ? kept : undefined;
  };

  /** Begins what lasts as long as a term; returns how to end it. */
  readonly begin = (): (() => void) => {
    const { setting, resources } = this.#options;
    if (setting !== 'auto') return () => {};
    this.#architectures = new Set(resources.architectures());
    let hasEnded = false;
    const stop = resources.nodes.subscribe(() => this.#learn());
    void resources.nodes.synced.then(() => {
      if (!hasEnded) this.#learn();
    });
    return () => {
      hasEnded = true;
      stop();
      this.#cancel?.();
      this.#cancel = undefined;
    };
  };

  #learn(): void {
    const { setting, resources } = this.#options;
    const present = resources.architectures();
    if (setting !== 'auto' || present === undefined) return;
    if (present.isSubsetOf(this.#architectures)) return;
    this.#architectures = this.#architectures.union(present);
    this.#cancel ??= this.#clock.after(settleMs, () => {
      this.#cancel = undefined;
      this.#options.grown();
    });
  }
}
