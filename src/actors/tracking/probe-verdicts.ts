import type { ProbeAnswer, RegistryProbe } from '#actors/registries/registries.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { credentialContent } from '#core/credentials.ts';
import { formatReference } from '#core/image/reference.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { ClockReading } from '#core/monitoring/stored-time.ts';
import { judgeCheck, type Verdict } from '#core/monitoring/verdict.ts';
import {
  type CheckCredentials,
  type CheckOptions,
  type CheckSecrets,
  gatherCredentials,
} from './check-image.ts';

/** An answer that a registry gave to a review, and when. */
export interface SeenProbe extends ClockReading {
  /** As its tracking names it. */
  readonly image: string;
  readonly probe: RegistryProbe;
  readonly answer: ProbeAnswer;
}

/** What routing probes are judged with. */
export interface ProbeVerdictsOptions {
  readonly secrets: Pick<SecretReader, 'read'>;
  readonly checkOptionsOf: (registry: string) => CheckOptions;
}

/** A routing probe of a moment ago counts for an image that is tracked from now on. */
const rememberedMs = 10_000;
/** Images whose last routing probe is remembered, about a kilobyte each. */
const rememberedMax = 1_000;
/** An image with more Secrets than one Pod is routed with waits for its turn. */
const secretsMax = 5;
const withoutSecrets: CheckCredentials = {
  credentials: [],
  secrets: { named: 0, missing: 0, unread: 0, warnings: [] },
};

/** Routing probes that count as checks: what registries answered to reviews a moment ago. */
export class ProbeVerdicts {
  readonly #options: ProbeVerdictsOptions;
  /** A new Pod is routed a moment before its image is tracked. */
  readonly #seen = new BoundedMap<string, SeenProbe>(rememberedMax);

  constructor(options: ProbeVerdictsOptions) {
    this.#options = options;
  }

  readonly remember = (probe: RegistryProbe, answer: ProbeAnswer, at: ClockReading): SeenProbe => {
    const image = formatReference(probe.reference);
    const seen = { image, probe, answer, ...at };
    this.#seen.set(image, seen);
    return seen;
  };

  /** The last answer about an image, while it is news. */
  readonly recall = (image: string, now: ClockReading): SeenProbe | undefined => {
    const seen = this.#seen.get(image);
    const isNews = seen !== undefined && now.monotonicMs - seen.monotonicMs <= rememberedMs;
    return isNews ? seen : undefined;
  };

  readonly clear = (): void => this.#seen.clear();

  /**
   * What it says of an image that is checked with these Secrets, undefined where a check might say
   * something else. What they hold is known at once where none are named, else when they are read.
   */
  readonly verdictOf = (
    seen: SeenProbe,
    { reference, pullSecrets }: Pick<CheckSecrets, 'reference' | 'pullSecrets'>,
  ): MaybePromise<Verdict | undefined> => {
    const options = this.#options.checkOptionsOf(reference.registry);
    const { fallbackCredentialSecret: fallback } = options;
    if (pullSecrets.length > secretsMax) return undefined;
    const isAnonymous = pullSecrets.length === 0 && fallback === undefined;
    // The review has just read them: they are remembered. The reader has a deadline of its own.
    const held = isAnonymous
      ? withoutSecrets
      : gatherCredentials(
          this.#options.secrets.read,
          { reference, pullSecrets, fallback },
          new AbortController().signal,
        );
    return andThen(held, (credentials) => judgeProbe(seen, credentials, options));
  };
}

/** Whether a routing probe is as good as a check with these credentials, and what it then says. */
function judgeProbe(
  { probe, answer, wallMs }: SeenProbe,
  held: CheckCredentials,
  { resolveDigest, timeoutMs }: CheckOptions,
): Verdict | undefined {
  const { outcome } = answer;
  // The digest behind a tag was not looked at, so a check would know more.
  if (resolveDigest && !probe.resolveDigest) return undefined;
  if (!hasSameCredentials(probe, answer, held)) return undefined;
  // A review waits for less time than a check may.
  const mayWaitLonger = timeoutMs === 0 || timeoutMs > probe.timeoutMs;
  const isLate = outcome.kind === 'Unreachable' && outcome.cause === 'timeout';
  if (isLate && mayWaitLonger) return undefined;
  const judged = judgeCheck(outcome, held.secrets, wallMs);
  return judged.kind === 'verdict' ? judged : undefined;
}

/**
 * Let in: with a credential of the image's own. Refused, or anything else: every one of them was
 * tried and no other. A probe without credentials counts where a check would have none either.
 */
function hasSameCredentials(
  { credentials }: RegistryProbe,
  answer: ProbeAnswer,
  held: CheckCredentials,
): boolean {
  const own = new Set(held.credentials.map(credentialContent));
  if (credentials.length === 0) return own.size === 0;
  const accepted = credentials[answer.credentialIndex ?? -1];
  if (answer.outcome.kind === 'Available') {
    return accepted !== undefined && own.has(credentialContent(accepted));
  }
  const tried = new Set(credentials.map(credentialContent));
  return tried.size === own.size && [...own].every((text) => tried.has(text));
}
