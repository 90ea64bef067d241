import Type, { type Static } from 'typebox';
import {
  byHost,
  count,
  duration,
  imagePatterns,
  positiveDuration,
  secretName,
  section,
} from './schema-parts.ts';

/** What kuik ships for Docker Hub, so that checks stay below its limits; user keys merge with it. */
export const builtInItems: Readonly<Record<string, PacingFields>> = {
  'docker.io': { interval: '1h', maxPerInterval: 6 },
};

/** Far more than one a millisecond: no registry bears it, and no actor could keep up. */
const checksPerIntervalMax = 10_000_000;

const pacing = {
  method: Type.Unsafe<Method>({
    type: 'string',
    enum: ['HEAD', 'GET'],
    default: 'HEAD',
    description:
      'HTTP method of a check. HEAD is answered from less work; GET suits registries without.',
  }),
  interval: positiveDuration({
    default: '3h',
    description: 'Time over which `maxPerInterval` checks are spread evenly.',
  }),
  maxPerInterval: count({
    default: 25,
    maximum: checksPerIntervalMax,
    description: 'Checks of one registry in each `interval`.',
  }),
  timeout: duration({ default: '0s', description: 'Deadline of one check; 0 sets none.' }),
  resolveDigest: Type.Boolean({
    default: false,
    description:
      'Ask for the digest that a tag points to as well, to find tags whose image is gone.',
  }),
  fallbackCredentialSecret: Type.Optional(
    secretName(
      'Secret tried when no pull secret of the Pods matches, such as for an image no Pod uses.',
    ),
  ),
};

const defaultSchema = section('Every registry that has no item of its own.', pacing);

/** Pacing of one registry as written: what is unset falls back to `default`, field by field. */
export type PacingFields = Partial<Static<typeof defaultSchema>>;

const itemSchema = Type.Unsafe<PacingFields>({
  type: 'object',
  properties: Object.fromEntries(
    Object.entries(pacing).map(([name, field]) => [name, { ...field, default: undefined }]),
  ),
  additionalProperties: false,
  description: 'What differs from `default` for this registry.',
});

/** How an image is asked for. */
export type Method = 'HEAD' | 'GET';

/** Monitoring: how fast images in use are checked. */
export const monitoringSchema = section('How ClusterImageSetAvailability resources check.', {
  nodeOnly: imagePatterns(
    'Patterns, as in `imageFilter`, of images that only kubelets can pull, by an identity of theirs: ' +
      'never checked, never copied, status `NodeOnly`; as an original they count as available, unasked.',
  ),
  registries: section('Pace of the checks, registry by registry.', {
    default: defaultSchema,
    items: byHost(itemSchema, {
      description:
        'Pace by registry host. Keys merge with the built-in `docker.io`; unset fields fall back to `default`.',
      default: builtInItems,
    }),
  }),
});
