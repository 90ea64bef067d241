import type { RouteDecision } from '#core/routing/decision.ts';

/** A decision for one image; without a winner it keeps what it has. */
export function decisionOf(
  key: string,
  image: string,
  given: Partial<RouteDecision> = {},
): RouteDecision {
  const rewritten = given.winner !== undefined && given.winner !== image;
  return {
    key,
    image,
    winner: image,
    by: rewritten ? 'ClusterImageSetMirror/m' : 'original',
    reason: rewritten ? 'OriginalUnreachable' : 'OriginalAvailable',
    message: '',
    candidates: [],
    ms: 0,
    ...given,
  };
}
