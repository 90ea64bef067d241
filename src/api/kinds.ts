import type { ClusterImageSetAvailability } from './image-set-availability.ts';
import type { ClusterImageSetMirror, ImageSetMirror } from './image-set-mirror.ts';
import type { ClusterReplicatedImageSet, ReplicatedImageSet } from './replicated-image-set.ts';

/** Any object of the five kinds. */
export type KuikResource =
  | ReplicatedImageSet
  | ClusterReplicatedImageSet
  | ImageSetMirror
  | ClusterImageSetMirror
  | ClusterImageSetAvailability;

/** The name of one of the five kinds. */
export type KuikKind = KuikResource['kind'];

/** The API group of the five kinds. */
export const apiGroup = 'kuik.enix.io';

/** The one version that is served and stored. */
export const apiVersionName = 'v1alpha1';

/** Group and version, as `apiVersion` has them. */
export const apiVersion = 'kuik.enix.io/v1alpha1';

/** Where a kind is found on the API server. */
export interface KindInfo {
  readonly kind: KuikKind;
  /** Lower-case plural, as in the path and in roles. */
  readonly plural: string;
  readonly shortName: string;
  readonly scope: 'Namespaced' | 'Cluster';
}

/** The five kinds, in the order of behaviour §2. */
export const kinds: readonly KindInfo[] = [
  {
    kind: 'ReplicatedImageSet',
    plural: 'replicatedimagesets',
    shortName: 'ris',
    scope: 'Namespaced',
  },
  {
    kind: 'ClusterReplicatedImageSet',
    plural: 'clusterreplicatedimagesets',
    shortName: 'cris',
    scope: 'Cluster',
  },
  { kind: 'ImageSetMirror', plural: 'imagesetmirrors', shortName: 'ism', scope: 'Namespaced' },
  {
    kind: 'ClusterImageSetMirror',
    plural: 'clusterimagesetmirrors',
    shortName: 'cism',
    scope: 'Cluster',
  },
  {
    kind: 'ClusterImageSetAvailability',
    plural: 'clusterimagesetavailabilities',
    shortName: 'cisa',
    scope: 'Cluster',
  },
];

/** The plural of a kind, as paths have it. */
export function pluralOf(kind: KuikKind): string {
  return kinds.find((info) => info.kind === kind)?.plural ?? '';
}

/** `Kind/name`, or `Kind/namespace/name`: how a resource is named in annotations and messages. */
export function resourceName(resource: KuikResource): string {
  const { namespace, name } = resource.metadata;
  return namespace === undefined
    ? `${resource.kind}/${name}`
    : `${resource.kind}/${namespace}/${name}`;
}
