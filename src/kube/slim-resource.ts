import { apiGroup, apiVersionName, type KuikKind, type KuikResource } from '#api/kinds.ts';
import type { ObjectMeta } from '#api/kuik-object.ts';
import type { ListedObject } from './watch.ts';

/**
 * What is kept of a resource of ours: spec, status, and of its metadata what is read. A list of one
 * kind names the kind once, for all items.
 */
export function slimResource(kind: KuikKind, object: ListedObject): KuikResource {
  const { spec, status, metadata: written } = object;
  const metadata = (written ?? {}) as unknown as ObjectMeta;
  const kept = keptMetadata.flatMap((name) =>
    metadata[name] === undefined ? [] : [[name, metadata[name]]],
  );
  const slim = {
    ...{ apiVersion: `${apiGroup}/${apiVersionName}`, kind },
    metadata: Object.fromEntries(kept),
    ...(spec !== undefined && { spec }),
    ...(status !== undefined && { status }),
  };
  return slim as unknown as KuikResource;
}

/** Labels and annotations may be hundreds of kilobytes that nobody here reads. */
const keptMetadata = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'finalizers',
] as const satisfies readonly (keyof ObjectMeta)[];
