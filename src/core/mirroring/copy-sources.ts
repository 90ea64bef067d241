import type { PodSubject } from '#core/filter/scope.ts';
import { type ImageReference, parseReference } from '#core/image/reference.ts';
import type { OwnedSecret } from '#core/routing/candidates.ts';
import type { CompiledMirror, CompiledSet } from '#core/routing/compiled.ts';
import { equivalentsInSteps } from '#core/routing/equivalents.ts';
import { pathBelow } from '#core/routing/location.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { SecretName } from '#core/secret.ts';
import { drain } from '#core/steps.ts';
import type { AreEquivalent } from './copy-claims.ts';
import { placeKey, placeKeyOf } from './copy-places.ts';

/** One image that a copy may be read from. */
export interface CopySource {
  readonly image: string;
  readonly reference: ImageReference;
  /**
   * Secrets that are declared for it, tried after the Pods' own: by this same resource and, for a
   * cluster-scoped one, by cluster-scoped sets (behaviour §5).
   */
  readonly secrets: readonly SecretName[];
}

/** Who copies, and for whom. */
export interface SourceQuestion {
  readonly mirror: Pick<CompiledMirror, 'identity' | 'entries'>;
  readonly image: ImageReference;
  /** A Pod that uses it: sets are in force for some Pods and not for others. */
  readonly pod: PodSubject;
}

/**
 * Where an image may be read: the original first, then what sets declare to be the same, to be tried
 * in order when one fails.
 */
export function copySources(
  table: Pick<RoutingTable, 'setsFor'>,
  { mirror, image, pod }: SourceQuestion,
): readonly CopySource[] {
  const isAsked = (set: CompiledSet) => isHeardBy(mirror, set);
  const { original, others } = drain(equivalentsInSteps(table, { image, pod, isAsked }));
  const isClusterScoped = mirror.identity.namespace === undefined;
  return [original, ...others].map(({ image: text, reference, lent }) => {
    const declared = [...ownSecrets(mirror, reference), ...(isClusterScoped ? lent : [])];
    return { image: text, reference, secrets: unique(declared) };
  });
}

/**
 * The sources of a copy that several resources share: the copier's own image, and of its equivalents
 * those that each of the others takes for the same. What a namespaced set declares must not be put
 * where another resource offers it.
 */
export function commonSources(
  own: readonly CopySource[],
  others: readonly (readonly CopySource[])[],
): readonly CopySource[] {
  return own.filter(
    ({ image }, index) =>
      index === 0 || others.every((all) => all.some((one) => one.image === image)),
  );
}

/** What equivalence is asked of. */
export interface EquivalenceState {
  readonly table: Pick<RoutingTable, 'setsFor'>;
  readonly mirrorOf: (resource: string) => SourceQuestion['mirror'] | undefined;
  /** A Pod of the resource that uses the image; absent where none does. */
  readonly podOf: (resource: string, image: string) => PodSubject | undefined;
}

/** Makes the judgement whether two claims may share a copy, in the eyes of both their resources. */
export function createEquivalence(state: EquivalenceState): AreEquivalent {
  return (left, right) => {
    const pods = [left, right].flatMap(({ resource, image }) => state.podOf(resource, image) ?? []);
    return [left, right].every(({ resource }) => {
      const mirror = state.mirrorOf(resource);
      if (mirror === undefined) return false;
      return pods.some((pod) => isAmong(state.table, { mirror, pod }, [left.image, right.image]));
    });
  };
}

/** Whether one of two images is declared to be the same as the other, in either direction. */
function isAmong(
  table: EquivalenceState['table'],
  question: Omit<SourceQuestion, 'image'>,
  images: readonly [string, string],
): boolean {
  return [images, images.toReversed()].some(([one = '', other = '']) => {
    const image = parseReference(one);
    if (!image.ok) return false;
    const key = placeKeyOf(other);
    const sources = copySources(table, { ...question, image: image.value });
    return sources.some(({ reference }) => placeKey(reference) === key);
  });
}

/** What a namespaced set declares counts for namespaced mirrors of its namespace alone. */
function isHeardBy({ identity }: SourceQuestion['mirror'], set: CompiledSet): boolean {
  const { ownNamespace } = set.scope;
  return ownNamespace === undefined || ownNamespace === identity.namespace;
}

function ownSecrets(
  { entries }: SourceQuestion['mirror'],
  source: ImageReference,
): readonly SecretName[] {
  return entries.flatMap(({ location, credentialSecret }) =>
    credentialSecret === undefined || pathBelow(location, source) === undefined
      ? []
      : credentialSecret,
  );
}

function unique(secrets: readonly (SecretName | OwnedSecret)[]): readonly SecretName[] {
  const named = secrets.map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }]);
  return [...new Map(named as [string, SecretName][]).values()];
}
