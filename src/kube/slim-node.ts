import type { ObjectMeta } from '#api/kuik-object.ts';
import { architectureLabels } from '#core/mirroring/pod-architectures.ts';
import { type Interner, internText } from './intern.ts';

/** What is kept of a node: what its containers must be built for. */
export interface SlimNode {
  /** As in `kubernetes.io/arch`; empty until its kubelet has said it. */
  readonly architecture: string;
}

/** As the API server sends it, as far as it is read; a node is some 20 KB. */
interface NodeObject {
  readonly metadata?: Partial<ObjectMeta>;
  readonly status?: { readonly nodeInfo?: { readonly architecture?: string } };
}

/** What is longer is no architecture. */
const charactersMax = 63;

/** Cuts a node down. Its label comes first, since that is what selectors of Pods are held against. */
export function slimNode(object: unknown, interner: Interner): SlimNode {
  const { metadata = {}, status = {} } = object as NodeObject;
  const labelled = architectureLabels.map((name) => metadata.labels?.[name]);
  const [said = ''] = [...labelled, status.nodeInfo?.architecture].filter((one) => one);
  return { architecture: said.length > charactersMax ? '' : internText(interner, said) };
}
