import Type, { type Static } from 'typebox';
import { metricsSchema } from './metrics-schema.ts';
import { monitoringSchema } from './monitoring-schema.ts';
import {
  byHost,
  count,
  duration,
  flag,
  itemsMax,
  positiveDuration,
  section,
  selectors,
} from './schema-parts.ts';

/** More requests or copies at once than this help nobody and exhaust sockets. */
const concurrencyMax = 1_000;

const platformSchema = Type.Object(
  {
    os: Type.Optional(Type.String({ description: 'Operating system; any where it is left out.' })),
    architecture: Type.String({
      minLength: 1,
      description: 'Architecture as Go names it, such as amd64 or arm64.',
    }),
    variant: Type.Optional(
      Type.String({ description: 'Variant of the architecture; any where it is left out.' }),
    ),
  },
  { additionalProperties: false },
);

/** One platform that copies keep. */
export type Platform = Static<typeof platformSchema>;

const routingSchema = section('The webhook that decides where a Pod pulls from.', {
  activeCheck: section('How candidates are asked while a Pod is being admitted.', {
    timeout: duration({
      default: '1s',
      description:
        'Time one candidate has for all it needs: token, credentials, retries; 0 leaves it `routing.deadline`.',
    }),
    resolveDigest: flag('Ask for the digest that a tag points to as well, in the same time.'),
    staleMirrorCleanup: section('What happens when a mirror copy turns out to be gone.', {
      maxConcurrent: count({
        default: 10,
        maximum: concurrencyMax,
        description: 'Reports to the leader in flight at once; more are dropped.',
      }),
      timeout: duration({
        default: '5s',
        description: 'Deadline of one such report; 0 sets none.',
      }),
    }),
  }),
  rewriteOnNeverImagePullPolicy: flag(
    'Route containers with `imagePullPolicy: Never` too; else they are left alone.',
  ),
  honorPrioritiesOnAlwaysImagePullPolicy: flag(
    'Order candidates of `imagePullPolicy: Always` by priority; else the original comes first.',
  ),
  deadline: positiveDuration({
    default: '3s',
    description: "Time a whole review may take; always inside the API server's own timeout.",
  }),
});

const mirroringSchema = section('How images are copied to mirrors.', {
  platforms: Type.Unsafe<'all' | 'auto' | readonly Platform[]>({
    anyOf: [
      { type: 'string', enum: ['all', 'auto'] },
      { type: 'array', items: platformSchema, minItems: 1, maxItems: itemsMax },
    ],
    expected: 'all, auto, or a list of at least one {os, architecture, variant}',
    default: [{ architecture: 'amd64' }],
    description:
      'Platforms that a copy of a multi-platform image keeps: a list, which replaces the default; `all`; or `auto`, the architectures of the nodes.',
  }),
  concurrency: count({
    default: 2,
    maximum: concurrencyMax,
    description: 'Copies at once to one mirror target.',
  }),
  quotaReserve: Type.Unsafe<number | string>({
    anyOf: [
      { type: 'number', minimum: 0, maximum: 100 },
      { type: 'string', pattern: '^([0-9]{1,2}([.][0-9]+)?|100) ?%$' },
    ],
    expected: 'a percentage from 0 to 100, such as 30 or "30%"',
    default: 30,
    description:
      'Share of a quota, in percent, that is left to Pods: below it, copying from that source waits.',
  }),
});

/** Far more than anybody copies; as many as checks may be. */
const copiesPerIntervalMax = 10_000_000;

/** How fast images begin to be read, as written. */
export type CopyPace = 'none' | { readonly interval: string; readonly maxPerInterval: number };

const copyPaceSchema = Type.Unsafe<CopyPace>({
  anyOf: [
    { type: 'string', enum: ['none'] },
    {
      type: 'object',
      properties: {
        interval: positiveDuration({
          description: 'Time over which `maxPerInterval` images are spread evenly.',
        }),
        maxPerInterval: count({
          maximum: copiesPerIntervalMax,
          description: 'Images that begin to be read in each `interval`.',
        }),
      },
      required: ['interval', 'maxPerInterval'],
      additionalProperties: false,
    },
  ],
  expected: 'none, or both interval and maxPerInterval, such as {interval: 6h, maxPerInterval: 50}',
  default: 'none',
  description:
    'How many images begin to be copied from it in each `interval`, evenly spread; for registries that state no quota.',
});

/** How one registry is spoken to, as written. */
export const registrySchema = section('How this registry is spoken to.', {
  insecure: flag('Do not verify its certificate.'),
  plainHTTP: flag('Speak plain HTTP to it.'),
  caFile: Type.String({
    default: '',
    description: 'File with PEM certificates to trust for it, beside the usual roots.',
  }),
  concurrency: count({
    default: 256,
    maximum: concurrencyMax,
    description: 'Requests at once. Connections beyond 4 are closed after 10 s idle.',
  }),
  trust: flag('Route to it without asking whether it has the image.'),
  copies: copyPaceSchema,
});

const tlsSchema = section('Trust in registries, as kuik v2 writes it.', {
  insecureRegistries: Type.Array(
    Type.String({ format: 'registry-host', expected: 'a registry host such as quay.io' }),
    {
      default: [],
      maxItems: itemsMax,
      description: 'The same as `insecure: true` in `registries` for each of these hosts.',
    },
  ),
  rootCertificateAuthorities: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    maxItems: itemsMax,
    description: 'Files with PEM certificates to trust for every registry.',
  }),
});

/** The whole operator configuration (behaviour §7): one source of type, document and chart schema. */
export const configurationSchema = Type.Object(
  {
    skipLabels: selectors('Pods whose labels match one of these are left alone everywhere.'),
    skipAnnotations: selectors('The same for annotations.'),
    routing: routingSchema,
    mirroring: mirroringSchema,
    monitoring: monitoringSchema,
    metrics: metricsSchema,
    registries: byHost(registrySchema, {
      description: 'How single registries are spoken to, by host.',
    }),
    tls: tlsSchema,
  },
  { additionalProperties: false },
);

/** The configuration as written, defaults filled in. */
export type CompleteConfiguration = Static<typeof configurationSchema>;
