import type { TimerHeap } from '#actors/timer-heap.ts';
import { BoundedMap } from '#core/bounded-map.ts';

/** Which credentials one registry told to wait, and until when (behaviour §3.5). */
export interface RegistryQuotas {
  /** A 429 that says until when; `retryAtMs` is wall time, ms. */
  readonly exceed: (credential: string, retryAtMs: number, message: string) => void;
  /** Why this credential must not be used now; undefined when it may. */
  readonly find: (credential: string) => ExceededQuota | undefined;
  readonly close: () => void;
}

/** One credential that has to wait. */
export interface ExceededQuota {
  /** Monotonic time, ms. */
  readonly untilMs: number;
  /** Wall time, ms, as the registry stated it or as far as we believe it. */
  readonly retryAtMs: number;
  readonly message: string;
}

/** Its clocks, and whom it tells. */
export interface RegistryQuotasOptions {
  readonly clock: TimerHeap;
  /** Wall time, ms: what registries state. */
  readonly now: () => number;
  /** Told when the first credential has to wait, and when the last one may go on. */
  readonly onChange: (throttled: boolean) => void;
}

/** A registry that states an hour is asked again after a minute: quotas are lifted, too. */
export const quotaMemoryMsMax = 60_000;
/** Credentials of one registry that are remembered; more Secrets than that hardly name one host. */
const credentialsMax = 256;

/** Makes the memory of one registry; the caller closes it. */
export function createRegistryQuotas(options: RegistryQuotasOptions): RegistryQuotas {
  const { clock, now, onChange } = options;
  const exceeded = new BoundedMap<string, ExceededQuota>(credentialsMax);
  let lastUntilMs = 0;
  let cancel: (() => void) | undefined;

  const renew = (): void => {
    cancel = undefined;
    const leftMs = lastUntilMs - clock.now();
    if (leftMs > 0) cancel = clock.after(leftMs, renew);
    else onChange(false);
  };

  return {
    exceed: (credential, retryAtMs, message) => {
      const delayMs = Math.min(retryAtMs - now(), quotaMemoryMsMax);
      if (delayMs <= 0) return;
      const untilMs = clock.now() + delayMs;
      exceeded.set(credential, { untilMs, retryAtMs: now() + delayMs, message });
      lastUntilMs = Math.max(lastUntilMs, untilMs);
      if (cancel !== undefined) return;
      cancel = clock.after(delayMs, renew);
      onChange(true);
    },
    find: (credential) => {
      const quota = exceeded.get(credential);
      return quota !== undefined && quota.untilMs > clock.now() ? quota : undefined;
    },
    close: () => cancel?.(),
  };
}
