import { printsOf } from '#actors/registries/credential-order.ts';
import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { Credential } from '#core/credentials.ts';
import { registryHost } from '#core/image/registry-host.ts';
import {
  quotaHoldUntilMs,
  type SourceQuota,
  scarcestQuotas,
} from '#core/mirroring/source-quota.ts';

/** Quotas that are remembered: of few registries, and of each team's account there. */
const quotasMax = 1_000;
/** Registries that are known to state one; few do. */
const hostsMax = 256;

/** What sources last said of the quotas of whoever asked: Pods keep their share of them. */
export class SourceQuotas {
  readonly #now: Runtime['now'];
  readonly #reserve: number;
  readonly #hosts = new BoundedMap<string, true>(hostsMax);
  /** Host and who asked. */
  readonly #quotas = new BoundedMap<string, SourceQuota & { readonly registry: string }>(quotasMax);

  /** `reserve` is the share that Pods keep, 0 to 1. */
  constructor({ now }: Pick<Runtime, 'now'>, reserve: number) {
    this.#now = now;
    this.#reserve = reserve;
  }

  /** An answer of a registry said this to one who asked with a credential, or without. */
  readonly state = (
    registry: string,
    quota: Omit<SourceQuota, 'atMs'>,
    credential?: Credential,
  ): void => {
    const host = registryHost(registry);
    const [print] = printsOf(credential === undefined ? [] : [credential]);
    this.#hosts.set(host, true);
    this.#quotas.set(`${host} ${print}`, { ...quota, registry: host, atMs: this.#now() });
  };

  /** Whether a registry has stated any. */
  readonly isStated = (registry: string): boolean =>
    this.#hosts.get(registryHost(registry)) !== undefined;

  /** Of each registry that states quotas, the one that is nearest to its end. */
  readonly scarcest = (): ReadonlyMap<string, SourceQuota> =>
    scarcestQuotas(this.#quotas.values(), this.#now());

  /**
   * Until when copying from it must wait for those who would ask (`printsOf`), wall time in ms;
   * undefined where one of them need not wait, or nobody knows who would ask.
   */
  readonly heldUntilMs = (registry: string, prints: readonly string[]): number | undefined => {
    const host = registryHost(registry);
    const holds = prints.map((print) =>
      quotaHoldUntilMs(this.#quotas.get(`${host} ${print}`), this.#reserve, this.#now()),
    );
    const known = holds.filter((untilMs) => untilMs !== undefined);
    return known.length === 0 || known.length < holds.length ? undefined : Math.min(...known);
  };
}
