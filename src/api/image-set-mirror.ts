import Type, { type Static } from 'typebox';
import { conditionsSchema } from './condition.ts';
import { credentialSecretSchema } from './credential-secret-reference.ts';
import {
  filterSchema,
  imageFilterSchema,
  namespaceFilterSchema,
  podFilterSchema,
} from './filter.ts';
import type { ObjectMeta } from './metadata.ts';
import type { ReadOnly } from './read-only.ts';

const cleanupSchema = Type.Object({
  enabled: Type.Optional(Type.Boolean()),
  retention: Type.Optional(Type.String()),
});
const mirrorSchema = Type.Object({
  registry: Type.String(),
  path: Type.Optional(Type.String()),
  priority: Type.Optional(Type.Integer()),
  credentialSecret: Type.Optional(credentialSecretSchema),
  pullCredentialSecret: Type.Optional(credentialSecretSchema),
  cleanup: Type.Optional(cleanupSchema),
});
const specSchema = Type.Object({
  priority: Type.Optional(Type.Integer()),
  filter: Type.Optional(filterSchema),
  imageFilter: Type.Optional(imageFilterSchema),
  namespaceFilter: Type.Optional(namespaceFilterSchema),
  podFilter: Type.Optional(podFilterSchema),
  cleanup: Type.Optional(cleanupSchema),
  mirrors: Type.Optional(Type.Array(mirrorSchema)),
});
const mirrorCopySchema = Type.Object({
  image: Type.String(),
  state: Type.Optional(
    Type.Unsafe<'Scheduled' | 'Available' | 'Failed' | 'Unused' | 'Expired'>({ type: 'string' }),
  ),
  mirroredAt: Type.Optional(Type.String()),
  digest: Type.Optional(Type.String()),
  sourceDigest: Type.Optional(Type.String()),
  lastError: Type.Optional(Type.String()),
});
const matchingImageSchema = Type.Object({
  image: Type.String(),
  mirrors: Type.Optional(Type.Array(mirrorCopySchema)),
  unusedSince: Type.Optional(Type.String()),
});
const statusSchema = Type.Object({
  conditions: Type.Optional(conditionsSchema),
  imageCount: Type.Optional(Type.Integer()),
  mirroredCount: Type.Optional(Type.Integer()),
  failedCount: Type.Optional(Type.Integer()),
  matchingImages: Type.Optional(Type.Array(matchingImageSchema)),
});

/** What happens to copies that no Pod uses. */
export type Cleanup = ReadOnly<Static<typeof cleanupSchema>>;

/** One destination of copies. */
export type MirrorEntry = ReadOnly<Static<typeof mirrorSchema>>;

/** What an (Cluster)ImageSetMirror says; `namespaceFilter` is for the cluster-scoped kind. */
export type ImageSetMirrorSpec = ReadOnly<Static<typeof specSchema>>;

/** One copy of one image on one mirror. */
export type MirrorCopy = ReadOnly<Static<typeof mirrorCopySchema>>;

/** One image and its copies. */
export type MatchingImage = ReadOnly<Static<typeof matchingImageSchema>>;

/** What the leader says of an (Cluster)ImageSetMirror. */
export type ImageSetMirrorStatus = ReadOnly<Static<typeof statusSchema>>;

/** Copy the images that the Pods of one namespace use to these mirrors, and route to them. */
export interface ImageSetMirror {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: 'ImageSetMirror';
  readonly metadata: ObjectMeta;
  readonly spec?: ImageSetMirrorSpec;
  readonly status?: ImageSetMirrorStatus;
}

/** Copy the images that the Pods of all namespaces use to these mirrors, and route to them. */
export interface ClusterImageSetMirror {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: 'ClusterImageSetMirror';
  readonly metadata: ObjectMeta;
  readonly spec?: ImageSetMirrorSpec;
  readonly status?: ImageSetMirrorStatus;
}
