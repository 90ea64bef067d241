import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { LostCopies } from '#actors/lost-copies/lost-copies.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { MirrorStore } from '#actors/reporting/mirror-store.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import type { SecretSources } from '#actors/secrets/secret-sources.ts';
import type { Tracking } from '#actors/tracking/tracking.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { PlatformsSetting } from '#core/mirroring/platforms.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ImageCopier } from '#oci/copy.ts';
import type { MirroringNews } from './mirroring-news.ts';
import type { SourceQuotas } from './source-quotas.ts';

/** What images are mirrored with. */
export interface MirroringMeans {
  readonly resources: Pick<WatchedResources, 'pods' | 'kuik' | 'architectures'>;
  readonly client: KubeClient;
  /** Where statuses are restored from, and written to. */
  readonly store: MirrorStore;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly registries: Pick<
    Registries,
    'reachability' | 'tell' | 'quotaOf' | 'onReachability' | 'probe' | 'turns'
  >;
  readonly secrets: {
    readonly reader: Pick<SecretReader, 'read'>;
    /** The Secrets that resources name, as they change. */
    readonly sources: Pick<SecretSources, 'subscribe'>;
  };
  readonly copier: ImageCopier;
  /** What reviews found to be gone. */
  readonly lostCopies: Pick<LostCopies, 'subscribe'>;
  /** What checks of images found, copies among them. */
  readonly tracking: Pick<Tracking, 'onCheck'>;
  readonly configuration: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'> & {
    readonly mirroring: { readonly concurrency: number; readonly platforms: PlatformsSetting };
  };
  /** How many images begin to be read an interval (`registries.<host>.copies`). */
  readonly copyPaceOf: (host: string) => Pace | undefined;
  /** What sources say of their quotas. */
  readonly quotas: Pick<SourceQuotas, 'heldUntilMs'>;
  /** Whether this process leads, its Lease renewed within the deadline. */
  readonly leads: () => boolean;
  /** For how long a DELETE may be on its way: as long as no other leads after the last renewal. */
  readonly deleteWithinMs: number;
  readonly isNodeOnly: (reference: ImageReference) => boolean;
  /** Told of what happens, for metrics and events. */
  readonly news: MirroringNews;
}
