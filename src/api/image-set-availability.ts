import Type, { type Static } from 'typebox';
import { conditionsSchema } from './condition.ts';
import {
  filterSchema,
  imageFilterSchema,
  namespaceFilterSchema,
  podFilterSchema,
} from './filter.ts';
import type { ObjectMeta } from './metadata.ts';
import type { ReadOnly } from './read-only.ts';

/** Availability of one monitored image (behaviour §4). */
export type MonitoredStatus =
  | 'Scheduled'
  | 'Available'
  | 'NotFound'
  | 'Unreachable'
  | 'InvalidAuth'
  | 'UnavailableSecret'
  | 'QuotaExceeded';

const specSchema = Type.Object({
  unusedImageExpiry: Type.Optional(Type.String()),
  filter: Type.Optional(filterSchema),
  imageFilter: Type.Optional(imageFilterSchema),
  namespaceFilter: Type.Optional(namespaceFilterSchema),
  podFilter: Type.Optional(podFilterSchema),
});
const monitoredImageSchema = Type.Object({
  image: Type.String(),
  status: Type.Unsafe<MonitoredStatus>({ type: 'string' }),
  original: Type.Optional(Type.Boolean()),
  unusedSince: Type.Optional(Type.String()),
  lastMonitor: Type.Optional(Type.String()),
  lastError: Type.Optional(Type.String()),
});
const statusSchema = Type.Object({
  conditions: Type.Optional(conditionsSchema),
  imageCount: Type.Optional(Type.Integer()),
  availableCount: Type.Optional(Type.Integer()),
  missingCount: Type.Optional(Type.Integer()),
  images: Type.Optional(Type.Array(monitoredImageSchema)),
});

/** What a ClusterImageSetAvailability says. */
export type ClusterImageSetAvailabilitySpec = ReadOnly<Static<typeof specSchema>>;

/** One image and whether it can still be pulled. */
export type MonitoredImage = ReadOnly<Static<typeof monitoredImageSchema>>;

/** What the leader says of a ClusterImageSetAvailability. */
export type ClusterImageSetAvailabilityStatus = ReadOnly<Static<typeof statusSchema>>;

/** Keep checking that the images in use can still be pulled. */
export interface ClusterImageSetAvailability {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: 'ClusterImageSetAvailability';
  readonly metadata: ObjectMeta;
  readonly spec?: ClusterImageSetAvailabilitySpec;
  readonly status?: ClusterImageSetAvailabilityStatus;
}
