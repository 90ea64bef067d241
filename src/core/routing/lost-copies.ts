import { isObject, parseJson } from '#core/json.ts';
import type { RouteDecision } from './decision.ts';
import type { KnownCopies } from './known-copies.ts';

/** A copy that its resource's status records, and that its registry does not have. */
export interface LostCopy {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** The copy's image, in full form. */
  readonly copy: string;
}

/** The copies among the candidates of these decisions that turned out to be gone (behaviour §5). */
export function lostCopies(
  known: KnownCopies,
  decisions: readonly Pick<RouteDecision, 'candidates'>[],
): readonly LostCopy[] {
  if (known.isEmpty) return [];
  const gone = decisions
    .flatMap(({ candidates }) => candidates)
    .filter(({ status, by, image }) => status === 'NotFound' && isRecorded(known, by, image));
  return gone.map(({ by, image }) => ({ resource: by, copy: image }));
}

function isRecorded(known: KnownCopies, resource: string, copy: string): boolean {
  return known.recordsOf(copy).some((one) => one.isThere && one.resource === resource);
}

/** The text by which one replica hands a lost copy to another. */
export function writeLostCopy({ resource, copy }: LostCopy): string {
  return JSON.stringify({ resource, copy });
}

/** Reads that text; undefined where it is none. */
export function readLostCopy(text: unknown): LostCopy | undefined {
  if (typeof text !== 'string' || text.length > charactersMax) return undefined;
  const said = parseJson(text);
  if (!isObject(said)) return undefined;
  const { resource, copy } = said;
  return typeof resource === 'string' && typeof copy === 'string' ? { resource, copy } : undefined;
}

/** An image and two names are at most half of it. */
const charactersMax = 2_048;
