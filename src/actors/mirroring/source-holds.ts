import { registryHost } from '#core/image/registry-host.ts';
import { copySources } from '#core/mirroring/copy-sources.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { MirrorCredentials } from './mirror-credentials.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import type { PlaceJudge } from './place-judge.ts';
import type { SlowSources } from './slow-sources.ts';
import type { SourceQuotas } from './source-quotas.ts';

/** By what copies are held back from their sources. */
export interface SourceHoldsOptions {
  readonly quotas: Pick<SourceQuotas, 'heldUntilMs' | 'isStated'>;
  readonly slowSources: Pick<SlowSources, 'heldUntilMs'>;
  readonly credentials: Pick<MirrorCredentials, 'readers'>;
  readonly judge: () => Pick<PlaceJudge, 'behalvesOf'>;
  readonly table: { readonly current: () => RoutingTable };
}

/**
 * What holds copies back: a source that takes its time, and a quota that Pods are to keep. A quota is
 * of whoever asks, so copies that read with an account do not wait for that of those who have none.
 */
export class SourceHolds {
  readonly #options: SourceHoldsOptions;

  constructor(options: SourceHoldsOptions) {
    this.#options = options;
  }

  /** The same for copies that are held back together. */
  readonly lineOf = (copy: MirroredCopy): string => {
    const host = registryHost(copy.source.registry);
    if (!this.#options.quotas.isStated(host)) return host;
    return [host, ...(this.#readersOf(copy)?.secrets ?? [])].join(' ');
  };

  /** Until when it must wait, wall time in ms; undefined where it need not. */
  readonly heldUntilMs = (copy: MirroredCopy): number | undefined => {
    const { quotas, slowSources } = this.#options;
    const host = registryHost(copy.source.registry);
    const held = quotas.isStated(host)
      ? quotas.heldUntilMs(host, this.#readersOf(copy)?.prints ?? [])
      : undefined;
    return held ?? slowSources.heldUntilMs(host);
  };

  #readersOf(copy: MirroredCopy): ReturnType<MirrorCredentials['readers']> | undefined {
    const { credentials, judge, table } = this.#options;
    const [behalf] = judge().behalvesOf(copy);
    if (behalf?.use === undefined) return undefined;
    const { compiled: mirror, use } = behalf;
    const question = { mirror, image: copy.source, pod: use.pod };
    const [source] = copySources(table.current(), question);
    return source && credentials.readers(source, use);
  }
}
