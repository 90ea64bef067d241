import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { quotaHoldUntilMs, type SourceQuota } from '#core/mirroring/source-quota.ts';

/** Registries whose quotas are remembered; few state one. */
const quotasMax = 256;

/** What sources last said of their quotas, whoever asked: Pods keep their share of them. */
export class SourceQuotas {
  readonly #now: Runtime['now'];
  readonly #reserve: number;
  readonly #quotas = new BoundedMap<string, SourceQuota>(quotasMax);

  /** `reserve` is the share that Pods keep, 0 to 1. */
  constructor({ now }: Pick<Runtime, 'now'>, reserve: number) {
    this.#now = now;
    this.#reserve = reserve;
  }

  /** An answer of a registry said this. */
  readonly state = (registry: string, quota: Omit<SourceQuota, 'atMs'>): void =>
    this.#quotas.set(registryHost(registry), { ...quota, atMs: this.#now() });

  /** Until when copying from it must wait, wall time in ms; undefined where it need not. */
  readonly heldUntilMs = (registry: string): number | undefined =>
    quotaHoldUntilMs(this.#quotas.get(registryHost(registry)), this.#reserve, this.#now());
}
