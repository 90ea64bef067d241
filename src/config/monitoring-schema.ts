import Type, { type Static } from 'typebox';
import { byHost, count, duration, positiveDuration, secretName, section } from './schema-parts.ts';

/** What kuik ships for Docker Hub, so that checks stay below its limits; user keys merge with it. */
export const builtInItems: Readonly<Record<string, PacingFields>> = {
  'docker.io': { interval: '1h', maxPerInterval: 6 },
};

/** Far more than one a millisecond: no registry bears it, and no actor could keep up. */
const checksPerIntervalMax = 10_000_000;

const description = {
  method: 'HTTP method of a check. HEAD is answered from less work; GET suits registries without.',
  interval: 'Time over which `maxPerInterval` checks are spread evenly.',
  maxPerInterval: 'Checks of one registry in each `interval`.',
  timeout: 'Deadline of one check; 0 sets none.',
  resolveDigest:
    'Ask for the digest that a tag points to as well, to find tags whose image is gone.',
  fallbackCredentialSecret:
    'Secret tried when no pull secret of the Pods matches, such as for an image no Pod uses.',
};

const method = { enum: ['HEAD', 'GET'] };

/** Pacing of one registry as written: what is unset falls back to `default`, field by field. */
const itemSchema = Type.Object(
  {
    method: Type.Optional(
      Type.Unsafe<Method>({ type: 'string', ...method, description: description.method }),
    ),
    interval: Type.Optional(positiveDuration({ description: description.interval })),
    maxPerInterval: Type.Optional(
      count({ description: description.maxPerInterval, maximum: checksPerIntervalMax }),
    ),
    timeout: Type.Optional(duration({ description: description.timeout })),
    resolveDigest: Type.Optional(Type.Boolean({ description: description.resolveDigest })),
    fallbackCredentialSecret: Type.Optional(secretName(description.fallbackCredentialSecret)),
  },
  { additionalProperties: false, description: 'What differs from `default` for this registry.' },
);

/** How an image is asked for. */
export type Method = 'HEAD' | 'GET';

/** Pacing of one registry as written. */
export type PacingFields = Static<typeof itemSchema>;

/** Monitoring: how fast images in use are checked. */
export const monitoringSchema = section('How ClusterImageSetAvailability resources check.', {
  registries: section('Pace of the checks, registry by registry.', {
    default: section('Every registry that has no item of its own.', {
      method: Type.Unsafe<Method>({
        type: 'string',
        ...method,
        default: 'HEAD',
        description: description.method,
      }),
      interval: positiveDuration({ default: '3h', description: description.interval }),
      maxPerInterval: count({
        default: 25,
        maximum: checksPerIntervalMax,
        description: description.maxPerInterval,
      }),
      timeout: duration({ default: '0s', description: description.timeout }),
      resolveDigest: Type.Boolean({ default: false, description: description.resolveDigest }),
      fallbackCredentialSecret: Type.Optional(secretName(description.fallbackCredentialSecret)),
    }),
    items: byHost(itemSchema, {
      description:
        'Pace by registry host. Keys merge with the built-in `docker.io`; unset fields fall back to `default`.',
      default: builtInItems,
    }),
  }),
});
