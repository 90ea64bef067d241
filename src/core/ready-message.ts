import type { ClusterImageSetMirror, ImageSetMirror } from '#api/image-set-mirror.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { ImageCount } from './routing/image-counts.ts';

/** What a resource does when nothing is wrong with it, in a sentence for `kubectl describe`. */
export function readyMessage(resource: KuikResource): string {
  switch (resource.kind) {
    case 'ReplicatedImageSet':
    case 'ClusterReplicatedImageSet':
      return `Routes between ${counted(resource.spec?.upstreams, 'upstream')}.`;
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return `Copies images to ${counted(resource.spec?.mirrors, 'mirror')}, and routes to the copies.`;
    case 'ClusterImageSetAvailability':
      return 'The images it selects are known.';
  }
}

/**
 * What is said instead of a resource that matches no image at present, with the one that comes
 * nearest; undefined of one that has images to take care of, or was not counted yet.
 */
export function missMessage(
  resource: KuikResource,
  count: ImageCount | undefined,
): string | undefined {
  if (count === undefined || count.used > 0 || listsImages(resource)) return undefined;
  const { nearest, nodeOnly } = count;
  if (nodeOnly !== undefined) {
    const only = nodeOnly === 1 ? '1 image, which' : `${nodeOnly} images, all of which`;
    return `Matches ${only} only kubelets can pull (monitoring.nodeOnly): nothing is copied.`;
  }
  const none = 'Matches no image of the Pods that have not finished';
  const near =
    nearest === undefined
      ? ''
      : `; the nearest is left out by ${nearest.field}: ${nearest.message}`;
  return isMirror(resource) ? `${none}${near}. ${readyMessage(resource)}` : `${none}${near}.`;
}

/** Images that are still watched although no Pod uses them. */
function listsImages({ kind, status }: KuikResource): boolean {
  return kind === 'ClusterImageSetAvailability' && (status?.imageCount ?? 0) > 0;
}

function isMirror(resource: KuikResource): resource is ImageSetMirror | ClusterImageSetMirror {
  return resource.kind === 'ImageSetMirror' || resource.kind === 'ClusterImageSetMirror';
}

function counted(items: readonly unknown[] | undefined, noun: string): string {
  const count = items?.length ?? 0;
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
