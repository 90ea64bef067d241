import {
  imageSetAvailabilitySpecSchema,
  imageSetAvailabilityStatusSchema,
} from './image-set-availability.ts';
import { imageSetMirrorSpecSchema } from './image-set-mirror.ts';
import { imageSetMirrorStatusSchema } from './image-set-mirror-status.ts';
import type { KindInfo } from './kinds.ts';
import {
  replicatedImageSetSpecSchema,
  replicatedImageSetStatusSchema,
} from './replicated-image-set.ts';

/** The schemas of what an object of a kind holds beside its metadata. */
export function objectSchemas({ kind, scope }: KindInfo) {
  switch (kind) {
    case 'ReplicatedImageSet':
    case 'ClusterReplicatedImageSet':
      return { spec: replicatedImageSetSpecSchema(scope), status: replicatedImageSetStatusSchema };
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return { spec: imageSetMirrorSpecSchema(scope), status: imageSetMirrorStatusSchema };
    case 'ClusterImageSetAvailability':
      return { spec: imageSetAvailabilitySpecSchema, status: imageSetAvailabilityStatusSchema };
  }
}
