import type { ProbeAnswer, RegistryProbe } from '#actors/registries/registries.ts';
import type { SecretKey } from '#actors/secrets/secrets.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';
import type { CheckVerdict } from '#core/monitoring/verdict.ts';
import type { AvailabilityPacers } from './availability-pacers.ts';
import {
  type CheckCredentials,
  type CheckManner,
  type CheckSecrets,
  gatherCredentials,
} from './check-image.ts';
import { probeTells } from './probe-tells.ts';

/** One answer that a registry gave to a review. */
export interface HeardProbe {
  readonly probe: RegistryProbe;
  readonly answer: ProbeAnswer;
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** What an image is checked with. */
export interface CheckedWith {
  readonly reference: ImageReference;
  readonly pullSecrets: readonly SecretKey[];
}

/** What answers are remembered and judged with. */
export interface HeardProbesOptions {
  readonly secrets: Pick<CheckSecrets, 'read'>;
  readonly mannerOf: (registry: string) => CheckManner;
  readonly pacers: () => Pick<AvailabilityPacers, 'clocks'>;
}

/** A routing probe of a moment ago counts for an image that is tracked from now on. */
const heardMs = 10_000;
/** Images whose last routing probe is remembered, about a kilobyte each. */
const heardMax = 1_000;
/** An image with more Secrets than one Pod is routed with waits for its turn. */
const secretsMax = 5;
const withoutSecrets: CheckCredentials = {
  credentials: [],
  secrets: { named: 0, missing: 0, unread: 0, warnings: [] },
};

/** What registries answered to reviews a moment ago, and what that says of images. */
export class HeardProbes {
  readonly #options: HeardProbesOptions;
  /** A new Pod is routed a moment before its image is tracked. */
  readonly #heard = new BoundedMap<string, HeardProbe>(heardMax);

  constructor(options: HeardProbesOptions) {
    this.#options = options;
  }

  /** Takes an answer in; it was given now. */
  readonly take = (probe: RegistryProbe, answer: ProbeAnswer): HeardProbe => {
    const heard = { probe, answer, ...this.#options.pacers().clocks() };
    this.#heard.set(probeTells.imageOf(probe), heard);
    return heard;
  };

  /** The last answer about an image, while it is news. */
  readonly recall = (image: string): HeardProbe | undefined => {
    const heard = this.#heard.get(image);
    const nowMs = this.#options.pacers().clocks().monotonicMs;
    return heard !== undefined && nowMs - heard.monotonicMs <= heardMs ? heard : undefined;
  };

  /**
   * What it says of an image that is checked so, undefined where a check might say something else.
   * Which Secrets a check would use is known at once where none are named, else when they are read.
   */
  readonly verdictOf = (
    heard: HeardProbe,
    { reference, pullSecrets }: CheckedWith,
  ): MaybePromise<CheckVerdict | undefined> => {
    const manner = this.#options.mannerOf(reference.registry);
    const { fallbackCredentialSecret: fallback } = manner;
    const judge = (held: CheckCredentials) =>
      probeTells.verdict({ ...heard, held, manner, atMs: heard.wallMs });
    if (pullSecrets.length === 0 && fallback === undefined) return judge(withoutSecrets);
    if (pullSecrets.length > secretsMax) return undefined;
    // The review has just read them: they are remembered. The reader has a deadline of its own.
    const { signal } = new AbortController();
    const secrets = { read: this.#options.secrets.read, forget: () => {} };
    const asked = { reference, pullSecrets, fallback, first: undefined };
    return gatherCredentials(secrets, asked, signal).then(judge);
  };
}
