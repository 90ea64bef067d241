import type { ClusterImageSetMirror, ImageSetMirror, MirrorEntry } from '#api/image-set-mirror.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import { mirrorsMax, upstreamsMax } from '#api/limits.ts';
import type {
  ClusterReplicatedImageSet,
  ReplicatedImageSet,
  Upstream,
} from '#api/replicated-image-set.ts';
import { parseDuration } from '#core/duration.ts';
import type { WrittenFilters } from '#core/filter/filter-items.ts';
import type { MatchSteps } from '#core/filter/full-match.ts';
import { compileLists, countProblem, hasItems } from '#core/filter/include-exclude.ts';
import { type CompilePattern, patternCompiler } from '#core/filter/pattern.ts';
import { compileScope } from '#core/filter/scope.ts';
import { allOf, fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';
import type { SecretName } from '#core/secret.ts';
import { type FieldProblem, identityOf, type SpecProblem } from '#core/spec-problem.ts';
import {
  type Cleanup,
  type CompiledBase,
  type CompiledEntry,
  type CompiledResource,
  matchImages,
  matchUpstreams,
  type NamedImage,
  rememberByNamespace,
} from './compiled.ts';
import { readLocation } from './location.ts';

/**
 * Compiles one resource, or says which field keeps it out (behaviour §2). The problems of a compiled
 * one are those of single upstreams, which are left out alone, and `MatchesNothing`.
 */
export function compileResource(
  resource: KuikResource,
  compile: CompilePattern = patternCompiler(),
): Result<CompiledResource, FieldProblem> {
  const fault = resource.faults?.find(({ field }) => !ofUpstreamFilter.test(field));
  const problem = fault ?? durationProblem(resource);
  if (problem !== undefined) return fail(problem);
  const base = compileBase(resource, compile);
  if (!base.ok) return base;
  switch (resource.kind) {
    case 'ReplicatedImageSet':
    case 'ClusterReplicatedImageSet':
      return compileSet(resource, base.value, compile);
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return compileMirror(resource, base.value);
    case 'ClusterImageSetAvailability':
      return succeed({ ...base.value, type: 'availability' });
  }
}

/** What is wrong in the filter of one upstream leaves that one out alone. */
const ofUpstreamFilter = /^spec\.upstreams\[\d+\]\.imageFilter\b/;

type SetResource = ReplicatedImageSet | ClusterReplicatedImageSet;
type MirrorResource = ImageSetMirror | ClusterImageSetMirror;

/** What all kinds have in common. */
function compileBase(
  resource: KuikResource,
  compile: CompilePattern,
): Result<CompiledBase, FieldProblem> {
  const { kind, metadata, spec = {} } = resource;
  const scope = compileScope(
    spec,
    {
      ownNamespace: isClustered(resource) ? undefined : (metadata.namespace ?? ''),
      choosesImages: !kind.endsWith('ReplicatedImageSet'),
    },
    compile,
  );
  if (!scope.ok) return scope;
  const nothing = {
    field: 'spec.imageFilter',
    message: 'expected imageFilter or filter: without one the resource matches no image',
  };
  return succeed({
    identity: identityOf(resource),
    origin: resourceName(resource),
    scope: scope.value,
    ...rememberByNamespace(scope.value),
    priority: ('priority' in spec ? spec.priority : undefined) ?? 0,
    problems:
      scope.value.images === 'nothing' ? [problemOf(resource, 'MatchesNothing', nothing)] : [],
  });
}

function compileSet(
  resource: SetResource,
  base: CompiledBase,
  compile: CompilePattern,
): Result<CompiledResource, FieldProblem> {
  const field = 'spec.upstreams';
  const written = resource.spec?.upstreams ?? [];
  const many = countProblem(written, upstreamsMax);
  if (many !== undefined) return fail({ field, ...many });
  const problems: SpecProblem[] = [];
  const entries = mapUntilFailure(written, (upstream, declaration) => {
    const entry = readEntry(resource, upstream, `${field}[${declaration}]`);
    if (!entry.ok) return entry;
    const at = `${field}[${declaration}]`;
    const fault = resource.faults?.find((one) => one.field.startsWith(`${at}.imageFilter`));
    const filter = fault ? fail(fault) : compileUpstreamFilter(upstream, at, compile);
    // A bad filter leaves out this upstream alone.
    if (!filter.ok) problems.push(problemOf(resource, 'InvalidSpec', filter.error));
    if (!filter.ok) return succeed(undefined);
    const discarded = upstream.discardAlternative ?? false;
    return succeed({ ...entry.value, declaration, filter: filter.value, discarded });
  });
  if (!entries.ok) return entries;
  const nothing = matchesNothingOfSet(written);
  if (nothing !== undefined) problems.push(problemOf(resource, 'MatchesNothing', nothing));
  const upstreams = entries.value.filter((upstream) => upstream !== undefined);
  const match = ({ reference }: NamedImage, steps?: MatchSteps) =>
    matchUpstreams(upstreams, reference, steps);
  return succeed({ ...base, type: 'set', upstreams, match, problems });
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

/** What is wrong with a duration that was stored before the rule; one that is left out is right. */
function durationProblem(resource: KuikResource): FieldProblem | undefined {
  const problems = durationsOf(resource).flatMap(([field, written]) => {
    const parsed = parseDuration(written ?? '0s');
    return parsed.ok ? [] : [{ field, message: parsed.error.message }];
  });
  return problems[0];
}

function durationsOf(resource: KuikResource): readonly (readonly [string, string | undefined])[] {
  switch (resource.kind) {
    case 'ImageSetMirror':
    case 'ClusterImageSetMirror':
      return [
        ['spec.cleanup.retention', resource.spec?.cleanup?.retention],
        ...(resource.spec?.mirrors ?? []).map(
          ({ cleanup }, index) =>
            [`spec.mirrors[${index}].cleanup.retention`, cleanup?.retention] as const,
        ),
      ];
    case 'ClusterImageSetAvailability':
      return [['spec.unusedImageExpiry', resource.spec?.unusedImageExpiry]];
    default:
      return [];
  }
}

function compileMirror(
  resource: MirrorResource,
  base: CompiledBase,
): Result<CompiledResource, FieldProblem> {
  const field = 'spec.mirrors';
  const written = resource.spec?.mirrors ?? [];
  const many = countProblem(written, mirrorsMax);
  if (many !== undefined) return fail({ field, ...many });
  const entries = mapUntilFailure(written, (mirror, declaration) => {
    const at = `${field}[${declaration}]`;
    const read = allOf({
      entry: readEntry(resource, mirror, at),
      pull: readSecret(resource, mirror.pullCredentialSecret, `${at}.pullCredentialSecret`),
    });
    if (!read.ok) return read;
    const { entry, pull } = read.value;
    const { credentialSecret: push } = entry;
    return succeed({
      ...{ ...entry, declaration },
      ...(push !== undefined && { pushSecret: push }),
      ...(pull !== undefined && { credentialSecret: pull }),
      cleanup: readCleanup(mirror.cleanup ?? resource.spec?.cleanup),
    });
  });
  if (!entries.ok) return entries;
  const match = ({ reference }: NamedImage, steps?: MatchSteps) =>
    matchImages(base.scope.images, reference, steps);
  return succeed({ ...base, type: 'mirror', entries: entries.value, match });
}

/** Durations were read before; a retention that is left out is a week (behaviour §5). */
function readCleanup({ enabled = false, retention }: WrittenCleanup = {}): Cleanup {
  const parsed = parseDuration(retention ?? '168h');
  return { enabled, retentionMs: parsed.ok ? parsed.value : weekMs };
}

const weekMs = 604_800_000;

type WrittenCleanup = NonNullable<MirrorEntry['cleanup']>;

function isClustered({ kind }: KuikResource): boolean {
  return kind.startsWith('Cluster');
}

/** What upstreams and mirrors have in common. */
function readEntry(
  resource: KuikResource,
  written: Upstream | MirrorEntry,
  field: string,
): Result<Omit<CompiledEntry, 'declaration'>, FieldProblem> {
  const read = allOf({
    location: readLocation(written, field),
    secret: readSecret(resource, written.credentialSecret, `${field}.credentialSecret`),
  });
  if (!read.ok) return read;
  const { location, secret } = read.value;
  return succeed({
    location,
    priority: written.priority ?? 0,
    ...(secret !== undefined && { credentialSecret: secret }),
  });
}

/** Namespaced kinds use the Secrets of their own namespace alone, whatever is written. */
function readSecret(
  resource: KuikResource,
  written: { readonly name: string; readonly namespace?: string } | undefined,
  field: string,
): Result<SecretName | undefined, FieldProblem> {
  if (written === undefined) return succeed(undefined);
  const namespace = isClustered(resource) ? written.namespace : resource.metadata.namespace;
  if (namespace === undefined || namespace === '') {
    return fail({
      field: `${field}.namespace`,
      message: 'expected the namespace in which the Secret lives, got none',
    });
  }
  return succeed({ namespace, name: written.name });
}

function compileUpstreamFilter({ imageFilter }: Upstream, entry: string, compile: CompilePattern) {
  if (!hasItems(imageFilter)) return succeed(undefined);
  return compileLists(imageFilter, `${entry}.imageFilter`, compile);
}

/**
 * Every pattern of a resource, in the order of their compiling: to compile them one by one before is
 * what lets others work in between.
 */
export function patternsOf({ spec = {} }: KuikResource): readonly string[] {
  const { filter, imageFilter, namespaceFilter }: WrittenFilters = spec;
  const unified = [...(filter?.include ?? []), ...(filter?.exclude ?? [])];
  const upstreams = 'upstreams' in spec ? (spec.upstreams ?? []) : [];
  const lists = [namespaceFilter, imageFilter, ...upstreams.map((one) => one.imageFilter)];
  return [
    ...unified.flatMap(({ namespace, image }) => namespace ?? image ?? []),
    ...lists.flatMap((list) => [...(list?.include ?? []), ...(list?.exclude ?? [])]),
  ];
}

/** A problem of that resource. */
export function problemOf(
  resource: KuikResource,
  reason: SpecProblem['reason'],
  problem: FieldProblem,
): SpecProblem {
  return { resource: identityOf(resource), reason, ...problem };
}
