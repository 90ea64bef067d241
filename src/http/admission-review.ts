import Type, { type Static } from 'typebox';
import type { PodAdmission, PodObject } from '#core/pod.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { boundWarnings } from './admission-warnings.ts';

/** What a body turned out to be: something to route, or something to let pass as it is. */
export type ReadReview = { readonly uid: string; readonly apiVersion: string } & (
  | { readonly kind: 'route'; readonly admission: PodAdmission }
  /** `problem`: what was expected and what came, where this is no review of ours. */
  | { readonly kind: 'pass'; readonly problem?: string }
);

/** One AdmissionReview as it goes back (Kubernetes: `admission.k8s.io/v1`). */
export type ReviewAnswer = Static<typeof answerSchema>;

/** Serialised by schema: half the time of a review with nothing declared is reading and writing it. */
export const answerSchema = Type.Object({
  apiVersion: Type.String(),
  kind: Type.Literal('AdmissionReview'),
  response: Type.Object({
    uid: Type.String(),
    allowed: Type.Literal(true),
    patchType: Type.Optional(Type.Literal('JSONPatch')),
    /** Base64 of the patch. */
    patch: Type.Optional(Type.String()),
    warnings: Type.Optional(Type.Array(Type.String())),
  }),
});

const reviewVersion = 'admission.k8s.io/v1';
/** A uid is a UUID; this leaves room for another scheme, and none for a flood. */
const uidCharactersMax = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a parsed body. Only one that names no uid fails: without a uid there is no answer that an
 * API server would take. The few fields that matter are checked by hand (runtime facts, 9).
 */
export function readReview(body: unknown): Result<ReadReview, string> {
  if (!isFields(body)) return fail(`expected an AdmissionReview, got ${nameType(body)}`);
  const { request } = body;
  if (!isFields(request)) {
    return fail(`expected an AdmissionReview with a request, got ${nameType(request)} there`);
  }
  const { uid } = request;
  if (typeof uid !== 'string' || uid === '' || uid.length > uidCharactersMax) {
    return fail(`expected a request with a uid, got ${nameType(uid)} there`);
  }
  const apiVersion = readVersion(body);
  const problem = findEnvelopeProblem(body) ?? findPodProblem(request);
  if (problem !== undefined) return succeed({ kind: 'pass', uid, apiVersion, problem });
  if (!isForRouting(request)) return succeed({ kind: 'pass', uid, apiVersion });
  return succeed({ kind: 'route', uid, apiVersion, admission: makeAdmission(request, uid) });
}

/** The answer to a review: always yes. Warnings leave as the API server takes them. */
export function answerReview(
  review: Pick<ReadReview, 'uid' | 'apiVersion'>,
  { patch, warnings: given }: { readonly patch?: string | undefined; readonly warnings?: unknown },
): ReviewAnswer {
  const warnings = boundWarnings(given);
  return {
    apiVersion: review.apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid: review.uid,
      allowed: true,
      ...(patch !== undefined && {
        patchType: 'JSONPatch',
        patch: Buffer.from(patch).toString('base64'),
      }),
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

/** The version that was asked in, so that whoever asked can read the answer. */
function readVersion({ apiVersion }: Fields): string {
  const isKnown =
    typeof apiVersion === 'string' && /^admission\.k8s\.io\/v\w{1,20}$/.test(apiVersion);
  return isKnown ? apiVersion : reviewVersion;
}

function findEnvelopeProblem({ apiVersion, kind }: Fields): string | undefined {
  if (kind !== 'AdmissionReview') return `expected kind AdmissionReview, got ${show(kind)}`;
  if (apiVersion === reviewVersion) return undefined;
  return `expected apiVersion ${reviewVersion}, got ${show(apiVersion)}`;
}

/** A review of something else is a webhook configured too widely; a Pod without a spec is broken. */
function findPodProblem({ kind, object, operation }: Fields): string | undefined {
  const told = isFields(kind) ? kind : isFields(object) ? object : {};
  const group = told['group'] ?? '';
  if (told['kind'] !== 'Pod' || group !== '') {
    return `expected a review of a Pod, got one of ${show(told['kind'])}`;
  }
  if (operation === 'DELETE' || operation === 'CONNECT') return undefined;
  if (!isFields(object)) return `expected a Pod as the object, got ${nameType(object)}`;
  const { spec } = object;
  return isFields(spec) ? undefined : `expected a Pod with a spec, got ${nameType(spec)} there`;
}

/** Pods on CREATE, and their ephemeral containers on UPDATE (behaviour §3.2). */
function isForRouting({ operation, subResource = '' }: Fields): boolean {
  if (subResource === '') return operation === 'CREATE';
  return subResource === 'ephemeralcontainers' && operation === 'UPDATE';
}

function makeAdmission(request: Fields, uid: string): PodAdmission {
  const { object, oldObject, subResource, dryRun } = request;
  const pod = object as PodObject;
  return {
    pod,
    ...(isFields(oldObject) && { oldPod: oldObject as PodObject }),
    namespace: readNamespace(request, pod),
    subresource: subResource === 'ephemeralcontainers' ? 'ephemeralcontainers' : '',
    // In doubt nothing is written.
    dryRun: dryRun !== undefined && dryRun !== false && dryRun !== null,
    uid,
  };
}

/** The API server always states it; a Pod of a test may not. */
function readNamespace({ namespace }: Fields, pod: PodObject): string {
  const told = typeof namespace === 'string' ? namespace : '';
  return told || String(pod.metadata?.namespace ?? '');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameType(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

function show(value: unknown): string {
  if (typeof value !== 'string') return nameType(value);
  return JSON.stringify(value.slice(0, 80));
}
