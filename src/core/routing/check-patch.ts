import { utf8Bytes } from '#core/cut-text.ts';
import { isSubdomain } from '#core/filter/selector-requirement.ts';
import { parseReference } from '#core/image/reference.ts';
import { isObject } from '#core/json.ts';
import { applyPatch, type JsonPatchOperation, type PatchProblem } from '#core/json-patch.ts';
import type { PodObject } from '#core/pod.ts';
import { namesOf } from '#core/pod-images.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { ROUTING_ANNOTATIONS } from './annotations.ts';

/** Operations of one patch: an image each, three annotations, a list; no Pod comes near. */
export const PATCH_OPERATIONS_MAX = 10_000;

/** Kubernetes' limit for all annotations of an object, keys and values, in bytes. */
export const ANNOTATION_BYTES_MAX = 256 * 1024;

/**
 * The last gate before a patch leaves (behaviour §3.13): it touches only what kuik may touch, it
 * applies to this Pod, and what comes out is a valid Pod where it was changed. Takes any nonsense for
 * a patch and says what is wrong with it; never throws.
 */
export function checkPatch(pod: PodObject, patch: unknown): Result<void, PatchProblem> {
  if (!isObject(pod)) return fail({ message: 'expected a Pod to apply the patch to' });
  if (!Array.isArray(patch) || patch.length > PATCH_OPERATIONS_MAX) {
    return fail({ message: `expected a list of at most ${PATCH_OPERATIONS_MAX} operations` });
  }
  const operations: JsonPatchOperation[] = [];
  for (const operation of patch as readonly unknown[]) {
    const checked = checkOperation(operation, pod);
    if (!checked.ok) return checked;
    operations.push(checked.value);
  }
  const patched = applyPatch(pod, operations);
  if (!patched.ok) return patched;
  return checkAnnotationSize(patched.value, operations);
}

/** What kuik may touch, how, and with what. */
const ALLOWED = [
  {
    path: /^\/spec\/(?:initContainers|containers|ephemeralContainers)\/[0-9]+\/image$/,
    op: 'replace',
    check: imageProblem,
  },
  { path: /^\/spec\/volumes\/[0-9]+\/image\/reference$/, op: 'replace', check: imageProblem },
  { path: /^\/metadata\/annotations$/, op: 'add', check: annotationsProblem },
  { path: /^\/spec\/imagePullSecrets$/, op: 'add', check: pullSecretsProblem },
  {
    path: new RegExp(
      `^/metadata/annotations/(?:${ROUTING_ANNOTATIONS.join('|').replaceAll('/', '~1')})$`,
    ),
    op: 'add',
    check: (value: unknown) => (typeof value === 'string' ? undefined : 'expected text'),
  },
] as const;

function checkOperation(
  operation: unknown,
  pod: PodObject,
): Result<JsonPatchOperation, PatchProblem> {
  if (!isObject(operation)) return fail({ message: 'expected each operation to be an object' });
  const { op, path, value } = operation;
  if (typeof path !== 'string') return fail({ message: 'expected a path in each operation' });
  const allowed = ALLOWED.find((one) => one.path.test(path));
  if (allowed === undefined) return fail({ path, message: 'expected a path that kuik may touch' });
  if (op !== allowed.op) return fail({ path, message: `expected the operation ${allowed.op}` });
  const message = allowed.check(value, pod);
  return message === undefined ? succeed({ op: allowed.op, path, value }) : fail({ path, message });
}

function imageProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'expected an image as text';
  const reference = parseReference(value);
  return reference.ok ? undefined : reference.error.message;
}

/** Only where there are none: it would take the others away. */
function annotationsProblem(value: unknown, pod: PodObject): string | undefined {
  const before: unknown = pod.metadata?.annotations;
  if (isObject(before) && Object.keys(before).length > 0) {
    return 'expected one annotation at a time, since the Pod has others';
  }
  if (!isObject(value)) return 'expected an object of annotations';
  const own: readonly string[] = ROUTING_ANNOTATIONS;
  const fits = Object.entries(value).every(
    ([name, text]) => own.includes(name) && typeof text === 'string',
  );
  return fits ? undefined : "expected kuik's own annotations, each a text";
}

/** Those that the Pod names stay, in their places; new ones follow, each once. */
function pullSecretsProblem(value: unknown, pod: PodObject): string | undefined {
  if (!Array.isArray(value)) return 'expected a list of pull secrets';
  const before = namesOf(pod.spec?.imagePullSecrets);
  const names = namesOf(value);
  if (!before.every((name, index) => names[index] === name)) {
    return 'expected the pull secrets that the Pod names to stay';
  }
  const fresh = names.slice(before.length);
  if (!fresh.every(isSubdomain)) return 'expected the name of a Secret in each new pull secret';
  const repeats = fresh.some((name, index) => names.indexOf(name) < before.length + index);
  return repeats ? 'expected each new pull secret once' : undefined;
}

/** The size counts only when the patch adds to it: a Pod that came too large is not ours to judge. */
function checkAnnotationSize(
  patched: unknown,
  operations: readonly JsonPatchOperation[],
): Result<void, PatchProblem> {
  if (!operations.some(({ path }) => path.startsWith('/metadata/annotations'))) {
    return succeed(undefined);
  }
  const annotations = (patched as PodObject).metadata?.annotations ?? {};
  const texts = Object.entries(annotations).flat().map(String);
  const bytes = texts.reduce((sum, text) => sum + utf8Bytes(text), 0);
  if (bytes <= ANNOTATION_BYTES_MAX) return succeed(undefined);
  return fail({
    path: '/metadata/annotations',
    message: `expected at most ${ANNOTATION_BYTES_MAX} bytes of annotations, got ${bytes}`,
  });
}
