import Type, { type Static } from 'typebox';
import { rules } from './cel.ts';
import { conditionsSchema } from './condition.ts';
import { credentialSecretSchema } from './credential-secret-reference.ts';
import {
  filterSchema,
  namespaceFilterSchema,
  podFilterSchema,
  type Scope,
  upstreamImageFilterSchema,
  upstreamPatternRules,
} from './filter.ts';
import { filterRules } from './filter-rules.ts';
import type { KuikObject } from './kuik-object.ts';
import { upstreamsMax } from './limits.ts';
import { entryPriority, pathSchema, priority, registrySchema } from './location.ts';
import type { ReadOnly } from './read-only.ts';
import { count } from './status-fields.ts';

function upstreamSchema(scope: Scope) {
  return Type.Object(
    {
      registry: registrySchema('Registry that holds the images, such as `quay.io`.'),
      path: Type.Optional(
        pathSchema(
          'What follows the registry in every image of this upstream, such as `/thanos/thanos`; ' +
            'it takes the place of the same part of another upstream.',
        ),
      ),
      priority: entryPriority('upstream'),
      imageFilter: Type.Optional(upstreamImageFilterSchema),
      discardAlternative: Type.Optional(
        Type.Boolean({
          default: false,
          description:
            'Keeps the upstream for matching and never proposes it: for a registry that is gone.',
        }),
      ),
      credentialSecret: Type.Optional(
        credentialSecretSchema(
          scope,
          'credentialSecret',
          'The Secret with which images of this upstream are pulled.',
        ),
      ),
    },
    { description: 'One place that holds the images of the set.' },
  );
}

/** `spec` of the set kind of that scope. */
export function replicatedImageSetSpecSchema(scope: Scope) {
  return Type.Object(
    {
      priority,
      filter: Type.Optional(filterSchema({ scope, images: false })),
      namespaceFilter: Type.Optional(namespaceFilterSchema(scope)),
      podFilter: Type.Optional(podFilterSchema),
      upstreams: Type.Optional(
        Type.Array(upstreamSchema(scope), {
          maxItems: upstreamsMax,
          description: 'The places that hold the same images.',
          ...rules(...upstreamPatternRules),
        }),
      ),
    },
    {
      description: 'Which upstreams hold the same images, and for which Pods that counts.',
      ...rules(...filterRules({ scope, images: false })),
    },
  );
}

/** `status` of the set kinds. */
export const replicatedImageSetStatusSchema = Type.Object(
  {
    conditions: Type.Optional(conditionsSchema),
    imageCount: count(
      'How many images that somebody wrote, of Pods that have not finished, an upstream matches.',
    ),
  },
  { description: 'What the leader says of this resource.' },
);

/** One place that holds the images of a set. */
export type Upstream = ReadOnly<Static<ReturnType<typeof upstreamSchema>>>;

/** What a (Cluster)ReplicatedImageSet says; `namespaceFilter` is for the cluster-scoped kind. */
export type ReplicatedImageSetSpec = ReadOnly<
  Static<ReturnType<typeof replicatedImageSetSpecSchema>>
>;

type ReplicatedImageSetStatus = ReadOnly<Static<typeof replicatedImageSetStatusSchema>>;

/** These upstreams hold the same images, for the Pods of one namespace. */
export type ReplicatedImageSet = KuikObject<
  'ReplicatedImageSet',
  ReplicatedImageSetSpec,
  ReplicatedImageSetStatus
>;

/** These upstreams hold the same images, for the Pods of all namespaces. */
export type ClusterReplicatedImageSet = KuikObject<
  'ClusterReplicatedImageSet',
  ReplicatedImageSetSpec,
  ReplicatedImageSetStatus
>;
