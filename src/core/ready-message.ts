import type { KuikResource } from '#api/kinds.ts';

/** What a resource does when nothing is wrong with it, in a sentence for `kubectl describe`. */
export function readyMessage(resource: KuikResource): string {
  switch (resource.kind) {
    case 'ReplicatedImageSet':
    case 'ClusterReplicatedImageSet':
      return `Routes between ${counted(resource.spec?.upstreams, 'upstream')}.`;
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return `Routes to ${counted(resource.spec?.mirrors, 'mirror')}.`;
    case 'ClusterImageSetAvailability':
      return 'The images it selects are known.';
  }
}

function counted(items: readonly unknown[] | undefined, noun: string): string {
  const count = items?.length ?? 0;
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
