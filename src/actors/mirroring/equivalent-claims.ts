import { parseReference } from '#core/image/reference.ts';
import type { AreEquivalent, CopyClaim } from '#core/mirroring/copy-claims.ts';
import { areEquivalent, type SourceQuestion } from '#core/mirroring/copy-sources.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { ResourceMirror } from './resource-mirror.ts';

/** A Pod of which nothing is known: only sets that are about all Pods are in force for it. */
const nobody = { namespace: '', labels: {}, annotations: {} };

/**
 * Whether two images share a copy, by what sets declare for the Pods that use them; where nobody uses
 * one of them any more, for those that use the other.
 */
export function equivalentClaims(
  table: { readonly current: () => RoutingTable },
  mirrorOf: (resource: string) => ResourceMirror | undefined,
): AreEquivalent {
  const podOf = ({ resource, image }: CopyClaim) => mirrorOf(resource)?.use(image)?.pod;
  return (left, right) => {
    const pods = [podOf(left), podOf(right)] as const;
    const asked = [left, right].map(({ resource, image }, at): SourceQuestion | undefined => {
      const mirror = mirrorOf(resource)?.compiled;
      const reference = parseReference(image);
      if (mirror === undefined || !reference.ok) return undefined;
      const pod = pods[at] ?? pods[1 - at] ?? nobody;
      return { mirror, image: reference.value, pod };
    });
    const [one, other] = asked;
    return one !== undefined && other !== undefined && areEquivalent(table.current(), one, other);
  };
}
