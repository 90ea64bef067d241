import Type, { type Static } from 'typebox';
import { rules } from './cel.ts';
import { conditionsSchema } from './condition.ts';
import { durationSchema } from './duration.ts';
import {
  filterSchema,
  imageFilterSchema,
  namespaceFilterSchema,
  podFilterSchema,
} from './filter.ts';
import { filterRules } from './filter-rules.ts';
import type { KuikObject } from './kuik-object.ts';
import type { ReadOnly } from './read-only.ts';
import { count, time } from './status-fields.ts';

/** Every availability of a monitored image, in the order in which they are documented. */
export const monitoredStatuses = [
  'Scheduled',
  'Available',
  'NotFound',
  'Unreachable',
  'InvalidAuth',
  'UnavailableSecret',
  'QuotaExceeded',
  'NodeOnly',
] as const;

/** Availability of one monitored image (behaviour §4). */
export type MonitoredStatus = (typeof monitoredStatuses)[number];

/** `spec` of a ClusterImageSetAvailability. */
export const imageSetAvailabilitySpecSchema = Type.Object(
  {
    unusedImageExpiry: Type.Optional(
      durationSchema('unusedImageExpiry', {
        default: '0s',
        description:
          'How long an image is still watched after the last Pod that used it has gone. Zero ' +
          'means for ever.',
      }),
    ),
    filter: Type.Optional(filterSchema({ scope: 'Cluster', images: true })),
    imageFilter: Type.Optional(imageFilterSchema),
    namespaceFilter: Type.Optional(namespaceFilterSchema('Cluster')),
    podFilter: Type.Optional(podFilterSchema),
  },
  {
    description: 'Which images of which Pods are watched, and for how long.',
    ...rules(...filterRules({ scope: 'Cluster', images: true })),
  },
);

const monitoredImageSchema = Type.Object(
  {
    image: Type.String({
      description: 'The image in its full form; one written without a tag has none here.',
    }),
    status: Type.Unsafe<MonitoredStatus>({
      type: 'string',
      enum: monitoredStatuses,
      default: 'Scheduled',
      description:
        'What the last check came to; `Scheduled` before the first, `NodeOnly` where only kubelets can ' +
        'pull, so that nobody checks.',
    }),
    original: Type.Optional(
      Type.Boolean({
        description: 'True for an image that somebody wrote, false for what kuik rewrote one to.',
      }),
    ),
    unusedSince: time('Since when no Pod uses the image; unset while one does.'),
    lastMonitor: time('When the image was last checked; unset before the first check.'),
    lastError: Type.Optional(
      Type.String({ description: 'Why the last check failed, in at most 256 bytes.' }),
    ),
  },
  { description: 'One image and whether it can still be pulled.' },
);

/** `status` of a ClusterImageSetAvailability. */
export const imageSetAvailabilityStatusSchema = Type.Object(
  {
    conditions: Type.Optional(conditionsSchema),
    imageCount: count('How many images are watched, listed or not.'),
    availableCount: count('How many of them were available when last checked, listed or not.'),
    missingCount: count(
      'How many of them were not available when last checked, listed or not. One that was never ' +
        'checked counts neither here nor as available.',
    ),
    images: Type.Optional(
      Type.Array(monitoredImageSchema, {
        'x-kubernetes-list-type': 'atomic',
        description: 'At most 1,000 of the images: what is wrong and in use first.',
      }),
    ),
  },
  { description: 'What the leader says of this resource.' },
);

/** What a ClusterImageSetAvailability says. */
export type ClusterImageSetAvailabilitySpec = ReadOnly<
  Static<typeof imageSetAvailabilitySpecSchema>
>;

/** One image and whether it can still be pulled. */
export type MonitoredImage = ReadOnly<Static<typeof monitoredImageSchema>>;

/** What the leader says of a ClusterImageSetAvailability. */
export type ClusterImageSetAvailabilityStatus = ReadOnly<
  Static<typeof imageSetAvailabilityStatusSchema>
>;

/** Keep checking that the images in use can still be pulled. */
export type ClusterImageSetAvailability = KuikObject<
  'ClusterImageSetAvailability',
  ClusterImageSetAvailabilitySpec,
  ClusterImageSetAvailabilityStatus
>;
