import type {
  ClusterImageSetMirror,
  ImageSetMirror,
  ImageSetMirrorSpec,
} from '#api/image-set-mirror.ts';
import type {
  ClusterReplicatedImageSet,
  ReplicatedImageSet,
  ReplicatedImageSetSpec,
} from '#api/replicated-image-set.ts';
import { type ImageReference, parseReference } from '#core/image/reference.ts';
import type { RoutingSubject } from '#core/routing/candidates.ts';

const apiVersion = 'kuik.enix.io/v1alpha1';

/** A ClusterReplicatedImageSet. */
export function clusterSet(name: string, spec: ReplicatedImageSetSpec): ClusterReplicatedImageSet {
  return { apiVersion, kind: 'ClusterReplicatedImageSet', metadata: { name, uid: name }, spec };
}

/** A ReplicatedImageSet, named as `namespace/name`. */
export function namespacedSet(name: string, spec: ReplicatedImageSetSpec): ReplicatedImageSet {
  return { apiVersion, kind: 'ReplicatedImageSet', metadata: metadataOf(name), spec };
}

/** A ClusterImageSetMirror. */
export function clusterMirror(name: string, spec: ImageSetMirrorSpec): ClusterImageSetMirror {
  return { apiVersion, kind: 'ClusterImageSetMirror', metadata: { name, uid: name }, spec };
}

/** An ImageSetMirror, named as `namespace/name`. */
export function namespacedMirror(name: string, spec: ImageSetMirrorSpec): ImageSetMirror {
  return { apiVersion, kind: 'ImageSetMirror', metadata: metadataOf(name), spec };
}

/** The reference that a text is; throws where it is none. */
export function reference(text: string): ImageReference {
  const parsed = parseReference(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** What routing asks about an image of a Pod in `default`, with whatever else is given. */
export function subject(image: string, given: Partial<RoutingSubject> = {}): RoutingSubject {
  return {
    image: reference(image),
    imagePullPolicy: 'IfNotPresent',
    namespace: 'default',
    labels: {},
    annotations: {},
    ...given,
  };
}

function metadataOf(namespaced: string) {
  const [namespace = '', name = ''] = namespaced.split('/');
  return { namespace, name, uid: namespaced };
}
