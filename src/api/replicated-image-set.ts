import Type, { type Static } from 'typebox';
import type { Condition } from './condition.ts';
import { credentialSecretSchema } from './credential-secret-reference.ts';
import {
  filterSchema,
  imageFilterSchema,
  namespaceFilterSchema,
  podFilterSchema,
} from './filter.ts';
import type { ObjectMeta } from './metadata.ts';
import type { ReadOnly } from './read-only.ts';

const upstreamSchema = Type.Object({
  registry: Type.String(),
  path: Type.Optional(Type.String()),
  priority: Type.Optional(Type.Integer()),
  imageFilter: Type.Optional(imageFilterSchema),
  discardAlternative: Type.Optional(Type.Boolean()),
  credentialSecret: Type.Optional(credentialSecretSchema),
});
const specSchema = Type.Object({
  priority: Type.Optional(Type.Integer()),
  filter: Type.Optional(filterSchema),
  namespaceFilter: Type.Optional(namespaceFilterSchema),
  podFilter: Type.Optional(podFilterSchema),
  upstreams: Type.Optional(Type.Array(upstreamSchema)),
});

/** One place that holds the images of a set. */
export type Upstream = ReadOnly<Static<typeof upstreamSchema>>;

/** What a (Cluster)ReplicatedImageSet says; `namespaceFilter` is for the cluster-scoped kind. */
export type ReplicatedImageSetSpec = ReadOnly<Static<typeof specSchema>>;

/** What the leader says of a (Cluster)ReplicatedImageSet. */
export interface ReplicatedImageSetStatus {
  readonly conditions?: readonly Condition[];
}

/** These upstreams hold the same images, for the Pods of one namespace. */
export interface ReplicatedImageSet {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: 'ReplicatedImageSet';
  readonly metadata: ObjectMeta;
  readonly spec?: ReplicatedImageSetSpec;
  readonly status?: ReplicatedImageSetStatus;
}

/** These upstreams hold the same images, for the Pods of all namespaces. */
export interface ClusterReplicatedImageSet {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: 'ClusterReplicatedImageSet';
  readonly metadata: ObjectMeta;
  readonly spec?: ReplicatedImageSetSpec;
  readonly status?: ReplicatedImageSetStatus;
}
