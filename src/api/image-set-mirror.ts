import Type, { type Static } from 'typebox';
import { rules } from './cel.ts';
import { credentialSecretSchema } from './credential-secret-reference.ts';
import { durationSchema } from './duration.ts';
import {
  filterSchema,
  imageFilterSchema,
  namespaceFilterSchema,
  podFilterSchema,
  type Scope,
} from './filter.ts';
import { filterRules } from './filter-rules.ts';
import type { ImageSetMirrorStatus } from './image-set-mirror-status.ts';
import type { KuikObject } from './kuik-object.ts';
import { mirrorsMax } from './limits.ts';
import { entryPriority, pathSchema, priority, registrySchema } from './location.ts';
import type { ReadOnly } from './read-only.ts';

/**
 * The same fields and defaults in both places: an entry's `cleanup` takes the place of the
 * resource's as a whole, as in kuik v2, which leaves out `enabled` where it is false.
 */
function cleanupSchema(description: string) {
  return Type.Object(
    {
      enabled: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Whether copies of images that no Pod uses any more are deleted.',
        }),
      ),
      retention: Type.Optional(
        durationSchema('cleanup.retention', {
          default: '168h',
          description: 'How long a copy stays after the last Pod that used its image has gone.',
        }),
      ),
    },
    { description },
  );
}

function mirrorSchema(scope: Scope) {
  const secret = (field: string, description: string) =>
    Type.Optional(credentialSecretSchema(scope, field, description));
  return Type.Object(
    {
      registry: registrySchema('Registry that receives the copies, `registry.example.com`.'),
      path: Type.Optional(
        pathSchema('What stands before the path of every copy on that registry, as `/mirror`.'),
      ),
      priority: entryPriority('mirror'),
      credentialSecret: secret(
        'credentialSecret',
        'The Secret with which copies are pushed, and pulled unless pullCredentialSecret is set.',
      ),
      pullCredentialSecret: secret(
        'pullCredentialSecret',
        'The Secret with which copies are pulled; it alone is then copied beside the Pods.',
      ),
      cleanup: Type.Optional(
        cleanupSchema('Takes the place of `spec.cleanup`, as a whole, for this mirror.'),
      ),
    },
    { description: 'One destination of copies.' },
  );
}

/** `spec` of the mirror kind of that scope. */
export function imageSetMirrorSpecSchema(scope: Scope) {
  return Type.Object(
    {
      priority,
      filter: Type.Optional(filterSchema({ scope, images: true })),
      imageFilter: Type.Optional(imageFilterSchema),
      namespaceFilter: Type.Optional(namespaceFilterSchema(scope)),
      podFilter: Type.Optional(podFilterSchema),
      cleanup: Type.Optional(cleanupSchema('What happens to copies that no Pod uses any more.')),
      mirrors: Type.Optional(
        Type.Array(mirrorSchema(scope), {
          maxItems: mirrorsMax,
          description: 'Where the images are copied to.',
        }),
      ),
    },
    {
      description: 'Which images of which Pods are copied, where to, and for how long.',
      ...rules(...filterRules({ scope, images: true })),
    },
  );
}

/** One destination of copies. */
export type MirrorEntry = ReadOnly<Static<ReturnType<typeof mirrorSchema>>>;

/** What an (Cluster)ImageSetMirror says; `namespaceFilter` is for the cluster-scoped kind. */
export type ImageSetMirrorSpec = ReadOnly<Static<ReturnType<typeof imageSetMirrorSpecSchema>>>;

/** Copy the images that the Pods of one namespace use to these mirrors, and route to them. */
export type ImageSetMirror = KuikObject<'ImageSetMirror', ImageSetMirrorSpec, ImageSetMirrorStatus>;

/** Copy the images that the Pods of all namespaces use to these mirrors, and route to them. */
export type ClusterImageSetMirror = KuikObject<
  'ClusterImageSetMirror',
  ImageSetMirrorSpec,
  ImageSetMirrorStatus
>;
