import type { ClusterImageSetMirror, ImageSetMirror, MirrorEntry } from '#api/image-set-mirror.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import { mirrorsMax, upstreamsMax } from '#api/limits.ts';
import type {
  ClusterReplicatedImageSet,
  ReplicatedImageSet,
  Upstream,
} from '#api/replicated-image-set.ts';
import { parseDuration } from '#core/duration.ts';
import { compileLists, hasItems } from '#core/filter/include-exclude.ts';
import { type CompilePattern, patternCompiler } from '#core/filter/pattern.ts';
import { compileScope, type Scope } from '#core/filter/scope.ts';
import type { WrittenFilters } from '#core/filter/written-filters.ts';
import { fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';
import type { SecretName } from '#core/secret.ts';
import { type FieldProblem, identityOf, type SpecProblem } from '#core/spec-problem.ts';
import {
  type CompiledEntry,
  type CompiledResource,
  type CompiledUpstream,
  matchImages,
  matchUpstreams,
  rememberByNamespace,
} from './compiled.ts';
import { readLocation } from './location.ts';

/**
 * Compiles one resource, or says which field keeps it out (behaviour §2). The problems of a compiled
 * one are those of single upstreams, which are left out alone, and `MatchesNothing`.
 */
export function compileResource(resource: KuikResource): Result<CompiledResource, FieldProblem> {
  const fault = resource.faults?.find(({ field }) => !ofUpstreamFilter.test(field));
  if (fault !== undefined) return fail(fault);
  switch (resource.kind) {
    case 'ReplicatedImageSet':
    case 'ClusterReplicatedImageSet':
      return compileSet(resource);
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return compileMirror(resource);
    case 'ClusterImageSetAvailability': {
      const scope = scopeOf(resource, resource.spec ?? {}, { choosesImages: true });
      if (!scope.ok) return scope;
      const expiry = resource.spec?.unusedImageExpiry;
      const unreadable = durationProblem(expiry, 'spec.unusedImageExpiry');
      if (unreadable !== undefined) return fail(unreadable);
      return succeed({
        ...baseOf(resource, scope.value),
        type: 'availability',
        problems: matchesNothing(resource, scope.value),
      });
    }
  }
}

/** What is wrong in the filter of one upstream leaves that one out alone. */
const ofUpstreamFilter = /^spec\.upstreams\[\d+\]\.imageFilter\b/;

type SetResource = ReplicatedImageSet | ClusterReplicatedImageSet;
type MirrorResource = ImageSetMirror | ClusterImageSetMirror;

function compileSet(resource: SetResource): Result<CompiledResource, FieldProblem> {
  const spec = resource.spec ?? {};
  const written = spec.upstreams ?? [];
  if (written.length > upstreamsMax) return tooMany('spec.upstreams', upstreamsMax, written);
  const compile = patternCompiler();
  const scope = scopeOf(resource, spec, { choosesImages: false, compile });
  if (!scope.ok) return scope;
  const problems: SpecProblem[] = [];
  const entries = mapUntilFailure(written, (upstream, declaration) =>
    compileUpstream(resource, upstream, { declaration, problems, compile }),
  );
  if (!entries.ok) return entries;
  const nothing = matchesNothingOfSet(written);
  if (nothing !== undefined) problems.push(problemOf(resource, 'MatchesNothing', nothing));
  const upstreams = entries.value.filter((upstream) => upstream !== undefined);
  return succeed({
    ...baseOf(resource, scope.value),
    type: 'set',
    priority: spec.priority ?? 0,
    upstreams,
    match: (image) => matchUpstreams(upstreams, image.reference),
    problems,
  });
}

/** Why a set can never route anything to another place; undefined where it can. */
function matchesNothingOfSet(upstreams: readonly Upstream[]): FieldProblem | undefined {
  if (!upstreams.some(({ imageFilter }) => hasItems(imageFilter))) {
    const message =
      'expected an upstream with an imageFilter: without one the set matches no image';
    return { field: 'spec.upstreams[].imageFilter', message };
  }
  const places = upstreams.flatMap((upstream) => {
    const location = readLocation(upstream, 'spec.upstreams');
    return location.ok ? [`${location.value.registry}/${location.value.path}`] : [];
  });
  if (new Set(places).size > 1) return undefined;
  const message =
    'expected upstreams at two different places at least, registry and path together: with one ' +
    'there is nowhere else to pull from';
  return { field: 'spec.upstreams', message };
}

/** One upstream; `undefined` where a bad filter leaves it out alone, with a word in `problems`. */
function compileUpstream(
  resource: SetResource,
  upstream: Upstream,
  at: {
    readonly declaration: number;
    readonly problems: SpecProblem[];
    readonly compile: CompilePattern;
  },
): Result<CompiledUpstream | undefined, FieldProblem> {
  const field = `spec.upstreams[${at.declaration}]`;
  const entry = readEntry(resource, upstream, field);
  if (!entry.ok) return entry;
  const fault = resource.faults?.find((one) => one.field.startsWith(`${field}.imageFilter`));
  const filter = fault
    ? fail(fault)
    : compileUpstreamFilter(upstream, `${field}.imageFilter`, at.compile);
  if (!filter.ok) {
    at.problems.push(problemOf(resource, 'InvalidSpec', filter.error));
    return succeed(undefined);
  }
  return succeed({
    ...entry.value,
    declaration: at.declaration,
    filter: filter.value,
    discarded: upstream.discardAlternative ?? false,
  });
}

function compileMirror(resource: MirrorResource): Result<CompiledResource, FieldProblem> {
  const spec = resource.spec ?? {};
  const written = spec.mirrors ?? [];
  if (written.length > mirrorsMax) return tooMany('spec.mirrors', mirrorsMax, written);
  const scope = scopeOf(resource, spec, { choosesImages: true });
  if (!scope.ok) return scope;
  const unreadable = durationProblem(spec.cleanup?.retention, 'spec.cleanup.retention');
  if (unreadable !== undefined) return fail(unreadable);
  const entries = mapUntilFailure(written, (mirror, declaration) =>
    compileMirrorEntry(resource, mirror, declaration),
  );
  if (!entries.ok) return entries;
  const { images } = scope.value;
  return succeed({
    ...baseOf(resource, scope.value),
    type: 'mirror',
    priority: spec.priority ?? 0,
    entries: entries.value,
    match: (image) => matchImages(images, image.reference),
    problems: matchesNothing(resource, scope.value),
  });
}

function compileMirrorEntry(
  resource: MirrorResource,
  mirror: MirrorEntry,
  declaration: number,
): Result<CompiledEntry, FieldProblem> {
  const field = `spec.mirrors[${declaration}]`;
  const entry = readEntry(resource, mirror, field);
  if (!entry.ok) return entry;
  const pull = readSecret(resource, mirror.pullCredentialSecret, `${field}.pullCredentialSecret`);
  if (!pull.ok) return pull;
  const unreadable = durationProblem(mirror.cleanup?.retention, `${field}.cleanup.retention`);
  if (unreadable !== undefined) return fail(unreadable);
  const secret = pull.value === undefined ? {} : { credentialSecret: pull.value };
  return succeed({ ...entry.value, declaration, ...secret });
}

/** What is wrong with a duration that was stored before the rule; one that is left out is right. */
function durationProblem(written: string | undefined, field: string): FieldProblem | undefined {
  const parsed = parseDuration(written ?? '0s');
  return parsed.ok ? undefined : { field, message: parsed.error.message };
}

function baseOf(resource: KuikResource, scope: Scope) {
  return {
    identity: identityOf(resource),
    origin: resourceName(resource),
    scope,
    matchesPod: rememberByNamespace(scope),
    priority: 0,
    problems: [] as readonly SpecProblem[],
  };
}

function scopeOf(
  resource: KuikResource,
  spec: WrittenFilters,
  {
    choosesImages,
    compile,
  }: { readonly choosesImages: boolean; readonly compile?: CompilePattern },
): Result<Scope, FieldProblem> {
  const namespaced = !resource.kind.startsWith('Cluster');
  const ownNamespace = namespaced ? (resource.metadata.namespace ?? '') : undefined;
  return compileScope(spec, { ownNamespace, choosesImages }, compile);
}

/** What upstreams and mirrors have in common. */
function readEntry(
  resource: KuikResource,
  written: Upstream | MirrorEntry,
  field: string,
): Result<Omit<CompiledEntry, 'declaration'>, FieldProblem> {
  const location = readLocation(written, field);
  if (!location.ok) return location;
  const secret = readSecret(resource, written.credentialSecret, `${field}.credentialSecret`);
  if (!secret.ok) return secret;
  return succeed({
    location: location.value,
    priority: written.priority ?? 0,
    ...(secret.value !== undefined && { credentialSecret: secret.value }),
  });
}

/** Namespaced kinds use the Secrets of their own namespace alone, whatever is written. */
function readSecret(
  resource: KuikResource,
  written: { readonly name: string; readonly namespace?: string } | undefined,
  field: string,
): Result<SecretName | undefined, FieldProblem> {
  if (written === undefined) return succeed(undefined);
  const namespaced = !resource.kind.startsWith('Cluster');
  const namespace = namespaced ? resource.metadata.namespace : written.namespace;
  if (namespace === undefined || namespace === '') {
    return fail({
      field: `${field}.namespace`,
      message: 'expected the namespace in which the Secret lives, got none',
    });
  }
  return succeed({ namespace, name: written.name });
}

function compileUpstreamFilter(upstream: Upstream, field: string, compile: CompilePattern) {
  if (!hasItems(upstream.imageFilter)) return succeed(undefined);
  return compileLists(upstream.imageFilter, field, compile);
}

function matchesNothing(resource: KuikResource, scope: Scope): readonly SpecProblem[] {
  if (scope.images !== 'nothing') return [];
  return [
    problemOf(resource, 'MatchesNothing', {
      field: 'spec.imageFilter',
      message: 'expected imageFilter or filter: without one the resource matches no image',
    }),
  ];
}

function tooMany(field: string, max: number, items: readonly unknown[]) {
  return fail({ field, message: `expected at most ${max} items, got ${items.length}` });
}

/** A problem of that resource. */
export function problemOf(
  resource: KuikResource,
  reason: SpecProblem['reason'],
  problem: FieldProblem,
): SpecProblem {
  return { resource: identityOf(resource), reason, ...problem };
}
