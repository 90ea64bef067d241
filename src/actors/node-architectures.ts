import type { SlimNode } from '#kube/slim-node.ts';
import type { Store } from '#kube/store.ts';

/**
 * Says the architectures of the cluster's nodes: the same set as long as they are the same; undefined
 * until all nodes have been read once.
 */
export function nodeArchitectures(nodes: Store<SlimNode>): () => ReadonlySet<string> | undefined {
  let known: ReadonlySet<string> | undefined;
  let isOutdated = true;
  nodes.subscribe(() => {
    isOutdated = true;
  });
  return () => {
    if (!nodes.isSynced() || !isOutdated) return known;
    isOutdated = false;
    // Thousands of nodes are a fraction of a millisecond, and change a few times a second.
    const present = new Set([...nodes.values()].map(({ architecture }) => architecture));
    present.delete('');
    const isSame = known?.symmetricDifference(present).size === 0;
    if (!isSame) known = present;
    return known;
  };
}
