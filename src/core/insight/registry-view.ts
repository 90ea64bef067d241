import type { LatencySummary } from './latency.ts';

/** How a registry fares, as this replica knows it. */
export interface RegistryView {
  readonly host: string;
  readonly circuit: Circuit;
  /** RFC 3339; `null` where the circuit never moved: closed since this replica knows it. */
  readonly since: string | null;
  /** What the last connection failed of. */
  readonly trouble: string | null;
  readonly quota: {
    readonly state: 'Free' | 'Throttled';
    /** RFC 3339: until when the registry told some credential to wait. */
    readonly retryAt?: string;
    readonly message?: string;
  };
  /** How checks are paced, `Waiting`; `null` on a replica that does not lead. */
  readonly pace: string | null;
  /** Pods that run an image from it. */
  readonly pods: number;
  /** A minute each, oldest first; minutes without a question are left out. */
  readonly latency: readonly (LatencySummary & { readonly at: string })[];
}

/** `Closed`: it is asked; `Open`: it is not, since it does not answer (behaviour §3.5). */
export type Circuit = 'Closed' | 'Suspect' | 'Open' | 'HalfOpen';

const order: Readonly<Record<Circuit, number>> = { Open: 0, HalfOpen: 1, Suspect: 2, Closed: 3 };

/** The worst first, then that from which most Pods run. */
export function byNeed(left: RegistryView, right: RegistryView): number {
  return (
    order[left.circuit] - order[right.circuit] ||
    Number(left.quota.state === 'Free') - Number(right.quota.state === 'Free') ||
    right.pods - left.pods ||
    (left.host < right.host ? -1 : 1)
  );
}
