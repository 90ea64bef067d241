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

/** The five kinds with their short names, in the order of behaviour §2; the rest their names say. */
export const kinds: readonly KindInfo[] = (
  [
    ['ReplicatedImageSet', 'ris'],
    ['ClusterReplicatedImageSet', 'cris'],
    ['ImageSetMirror', 'ism'],
    ['ClusterImageSetMirror', 'cism'],
    ['ClusterImageSetAvailability', 'cisa'],
  ] as const
).map(([kind, shortName]) => ({
  kind,
  plural: pluralOf(kind),
  shortName,
  scope: kind.startsWith('Cluster') ? 'Cluster' : 'Namespaced',
}));

/** The plural of a kind, as paths have it. */
export function pluralOf(kind: KuikKind): string {
  return `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
}

/** `Kind/name`, or `Kind/namespace/name`: how a resource is named in annotations and messages. */
export function resourceName({
  kind,
  metadata: { namespace, name },
}: Pick<KuikResource, 'kind' | 'metadata'> & { readonly apiVersion?: string }): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}
