import type { KuikKind } from '#api/kinds.ts';
import { memoize } from '#core/bounded-map.ts';
import type { MatchSteps } from '#core/filter/full-match.ts';
import type { IncludeExclude } from '#core/filter/include-exclude.ts';
import type { Pattern } from '#core/filter/pattern.ts';
import {
  filterTexts,
  matchesAnyText,
  type PodSubject,
  type Scope,
  scopeMatchesMetadata,
  scopeMatchesNamespace,
} from '#core/filter/scope.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { SecretName } from '#core/secret.ts';
import type { ResourceIdentity, SpecProblem } from '#core/spec-problem.ts';
import { type Location, pathBelow } from './location.ts';

/** An image with its full form, which is made once and asked for by every resource. */
export interface NamedImage {
  readonly reference: ImageReference;
  readonly text: string;
}

/** What every compiled resource has. */
export interface CompiledBase {
  readonly identity: ResourceIdentity & { readonly kind: KuikKind };
  /** `Kind/[namespace/]name`. */
  readonly origin: string;
  readonly scope: Scope;
  /** Whether the resource is about Pods of this namespace; `null` where that takes too many steps. */
  readonly matchesNamespace: (namespace: string) => boolean | null;
  /** Whether the resource is about this Pod at all; its namespace is looked up, not matched anew. */
  readonly matchesPod: (pod: PodSubject) => boolean;
  readonly priority: number;
  /** What the resource must be told; those that leave it out whole have no compiled form. */
  readonly problems: readonly SpecProblem[];
}

/** A (Cluster)ReplicatedImageSet that can be asked. */
export interface CompiledSet extends CompiledBase {
  readonly type: 'set';
  /** In the order of declaration, without those that are left out. */
  readonly upstreams: readonly CompiledUpstream[];
  /** The first declared upstream that matches the image; the same for every Pod. */
  readonly match: (image: NamedImage, steps?: MatchSteps) => UpstreamMatch | null;
}

/** One entry of a resource: an upstream or a mirror. */
export interface CompiledEntry {
  /** Its index in the list as declared. */
  readonly declaration: number;
  readonly location: Location;
  readonly priority: number;
  /** The Secret to pull with; of a mirror `pullCredentialSecret`, else `credentialSecret`. */
  readonly credentialSecret?: SecretName;
}

/** One destination of copies. */
export interface CompiledMirrorEntry extends CompiledEntry {
  /** The Secret to push and delete with (`credentialSecret`); it never leaves its namespace. */
  readonly pushSecret?: SecretName;
  readonly cleanup: Cleanup;
}

/** What becomes of copies that no Pod uses; the entry's own, else the resource's. */
export interface Cleanup {
  readonly enabled: boolean;
  readonly retentionMs: number;
}

/** One upstream of a set. */
export interface CompiledUpstream extends CompiledEntry {
  /** `undefined` matches no image: the upstream is an alternative only. */
  readonly filter: IncludeExclude<Pattern> | undefined;
  readonly discarded: boolean;
}

/** That a resource covers an image. */
export interface ImageMatch {
  /** The included pattern that matched, as written; absent where only excludes are given. */
  readonly filter?: string;
}

/** The upstream that an image lies on, and what is left of its path below it. */
export interface UpstreamMatch extends ImageMatch {
  readonly upstream: CompiledUpstream;
  readonly rest: string;
}

/** A (Cluster)ImageSetMirror that can be asked. */
export interface CompiledMirror extends CompiledBase {
  readonly type: 'mirror';
  /** In the order of declaration. */
  readonly entries: readonly CompiledMirrorEntry[];
  /** Whether the image filter matches; the same for every Pod. */
  readonly match: (image: NamedImage, steps?: MatchSteps) => ImageMatch | null;
}

/** A ClusterImageSetAvailability that can be asked; it proposes nothing. */
export interface CompiledAvailability extends CompiledBase {
  readonly type: 'availability';
}

/** Any resource that can be asked. */
export type CompiledResource = CompiledSet | CompiledMirror | CompiledAvailability;

/** Namespaces whose verdict one resource remembers; clusters with more ask their patterns again. */
const NAMESPACES_MAX = 512;

/**
 * Steps of all patterns of one resource for one image, or one namespace: some 6 ms. What people
 * write takes a hundredth; where it is not enough the resource does not apply (behaviour §10).
 */
export const MATCH_STEPS_MAX = 1_000_000;

/** Makes the matches of a scope with Pods; the namespace is remembered, since patterns cost. */
export function rememberByNamespace(
  scope: Scope,
): Pick<CompiledBase, 'matchesNamespace' | 'matchesPod'> {
  const matchesNamespace = memoize(NAMESPACES_MAX, (namespace) => {
    const steps = { left: MATCH_STEPS_MAX };
    const matches = scopeMatchesNamespace(scope, namespace, steps);
    return steps.left < 0 ? null : matches;
  });
  return {
    matchesNamespace,
    matchesPod: (pod) =>
      matchesNamespace(pod.namespace) === true && scopeMatchesMetadata(scope, pod),
  };
}

/** The first declared upstream whose filter matches and under which the image lies. */
export function matchUpstreams(
  upstreams: readonly CompiledUpstream[],
  image: ImageReference,
  steps?: MatchSteps,
): UpstreamMatch | null {
  const fullTexts = filterTexts(image);
  // What follows the registry: the seed's spelling; the full reference works as well.
  const texts = [...fullTexts.map((text) => text.slice(image.registry.length)), ...fullTexts];
  for (const upstream of upstreams) {
    const rest = pathBelow(upstream.location, image);
    const { filter } = upstream;
    if (rest === undefined || filter === undefined) continue;
    if (matchesAnyText(filter, texts, steps))
      return { upstream, rest, ...matchedPattern(filter, texts) };
  }
  return null;
}

/** Whether the image filter of a mirror lets the image through. */
export function matchImages(
  filter: Scope['images'],
  image: ImageReference,
  steps?: MatchSteps,
): ImageMatch | null {
  const texts = filterTexts(image);
  if (filter === 'nothing' || !matchesAnyText(filter, texts, steps)) return null;
  return matchedPattern(filter, texts);
}

function matchedPattern(filter: IncludeExclude<Pattern>, texts: readonly string[]): ImageMatch {
  const pattern = filter.include.find(({ matches }) => texts.some((text) => matches(text)));
  return pattern === undefined ? {} : { filter: pattern.source };
}
