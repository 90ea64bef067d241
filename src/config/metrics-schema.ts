import Type from 'typebox';
import { itemsMax, section } from './schema-parts.ts';

/** How the buckets of a classic histogram are laid out. */
const bucketTypes = ['exponential', 'exponentialRange', 'custom', 'disabled'] as const;

/** A page of buckets that no dashboard could show. */
const bucketsMax = 500;
/** What Go's uint32 holds, in which kuik v2 keeps it. */
const uint32Max = 4_294_967_295;

/** Said of each field of native buckets: a file of kuik v2 must load, and nobody should wait for them. */
const nativeBuckets =
  'Read and checked, but without effect: the metrics library here exposes classic buckets only.';

/** Metrics: the one histogram whose buckets depend on how fast a cluster is checked. */
export const metricsSchema = section('What `/metrics` exposes.', {
  imageLastMonitorAgeMinutes: section(
    'The histogram `kube_image_keeper_monitoring_image_last_monitor_age_minutes`.',
    {
      bucketFactor: Type.Number({
        default: 1.1,
        minimum: 0,
        description: `Growth factor of native buckets. ${nativeBuckets}`,
      }),
      zeroThreshold: Type.Number({
        default: 1,
        description: `Width of the native zero bucket, in minutes. ${nativeBuckets}`,
      }),
      maxBucketNumber: Type.Integer({
        default: 20,
        minimum: 0,
        maximum: uint32Max,
        description: `Most native buckets. ${nativeBuckets}`,
      }),
      legacy: section('The classic buckets.', {
        bucketType: Type.Unsafe<(typeof bucketTypes)[number]>({
          type: 'string',
          enum: bucketTypes,
          default: 'exponential',
          description:
            'Which of the fields below lay out the buckets; `disabled` leaves only the sum and the count.',
        }),
        start: bound(1, 'First bound, in minutes (`exponential`).'),
        factor: Type.Number({
          default: 1.94,
          exclusiveMinimum: 1,
          description: 'Factor from one bound to the next (`exponential`).',
        }),
        count: Type.Integer({
          default: 12,
          minimum: 1,
          maximum: bucketsMax,
          description: 'Number of buckets (`exponential`, `exponentialRange`).',
        }),
        min: bound(1, 'Lowest bound, in minutes (`exponentialRange`).'),
        max: bound(1440, 'Highest bound, in minutes, above `min` (`exponentialRange`).'),
        custom: Type.Array(Type.Number(), {
          default: [1, 5, 10, 30, 60, 120, 180, 360, 720, 1440],
          minItems: 1,
          maxItems: itemsMax,
          description: 'Bounds in minutes, each above the one before (`custom`).',
        }),
      }),
    },
  ),
});

/** One bound of a histogram in minutes: there is none at or below 0. */
function bound(value: number, description: string) {
  return Type.Number({ default: value, exclusiveMinimum: 0, description });
}
