import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, type ImageReference } from '#core/image/reference.ts';
import type { OwnedSecret } from '#core/routing/candidates.ts';
import type { CompiledMirror, CompiledSet } from '#core/routing/compiled.ts';
import { equivalentsInSteps } from '#core/routing/equivalents.ts';
import { pathBelow } from '#core/routing/location.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { SecretName } from '#core/secret.ts';
import { drain } from '#core/steps.ts';

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

/** Whether two originals hold the same for this mirror, so that they share a copy. */
export function areEquivalent(
  table: Pick<RoutingTable, 'setsFor'>,
  left: SourceQuestion,
  right: SourceQuestion,
): boolean {
  return isAmong(table, left, right.image) || isAmong(table, right, left.image);
}

function isAmong(
  table: Pick<RoutingTable, 'setsFor'>,
  question: SourceQuestion,
  other: ImageReference,
): boolean {
  const text = formatReference(other);
  return copySources(table, question).some(({ image }) => image === text);
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
