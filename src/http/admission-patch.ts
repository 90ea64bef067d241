import type { PodAdmission, PodObject } from '#core/pod.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { checkPatch, type JsonPatchOperation } from '#core/routing/patch.ts';

/** Text of a patch that may leave, `undefined` where there is nothing to patch; or why none may. */
export type CheckedPatch = Result<string | undefined, string>;

/**
 * Longest patch in characters. Annotations end at 256 KiB and images at some hundred characters for
 * each of a Pod's containers; beyond this it is none of ours.
 */
const patchCharactersMax = 2_097_152;

/**
 * Checks a patch as it would leave (behaviour §3.13): an operation that this webhook never writes,
 * a path that is none of its business, one that does not apply or spoils the Pod. Whatever made the
 * patch is not trusted to have made one; may throw where it is not even data.
 */
export function checkAdmissionPatch(admission: PodAdmission, patch: unknown): CheckedPatch {
  if (!Array.isArray(patch)) return fail(`expected a list of operations, got ${typeof patch}`);
  if (patch.length === 0) return succeed(undefined);
  const text = JSON.stringify(patch);
  if (text.length > patchCharactersMax) {
    return fail(`expected a patch of at most ${patchCharactersMax} characters, got ${text.length}`);
  }
  // What leaves is what is checked: JSON may have dropped or changed what was in memory.
  const operations: readonly unknown[] = JSON.parse(text);
  for (const operation of operations) {
    const problem = findProblem(operation, admission);
    if (problem !== undefined) return fail(problem);
  }
  const applied = checkPatch(admission.pod, operations as readonly JsonPatchOperation[]);
  return applied.ok
    ? succeed(text)
    : fail(`expected a patch that leaves the Pod valid: ${JSON.stringify(applied.error)}`);
}

const writing: ReadonlySet<unknown> = new Set(['add', 'replace', 'test']);
const imagePath = /^\/spec\/(containers|initContainers)\/\d+\/image$/;
const volumePath = /^\/spec\/volumes\/\d+\/image\/reference$/;
const ephemeralPath = /^\/spec\/ephemeralContainers\/\d+\/image$/;
const annotationPath = /^\/metadata\/annotations\/kuik\.enix\.io~1[-\w.]+$/;

function findProblem(operation: unknown, admission: PodAdmission): string | undefined {
  if (typeof operation !== 'object' || operation === null) {
    return `expected an operation, got ${JSON.stringify(operation)}`;
  }
  const { op, path, value } = operation as Readonly<Record<string, unknown>>;
  if (typeof path !== 'string') return 'expected an operation with a path, got none';
  const shown = path.slice(0, 120);
  if (op === 'remove') {
    const ours = annotationPath.test(path) && admission.subresource === '';
    return ours ? undefined : `expected to remove nothing but annotations of ours, got ${shown}`;
  }
  if (!writing.has(op)) return `expected add, replace, test or remove, got ${JSON.stringify(op)}`;
  if (value === undefined) return `expected a value for ${shown}, got none`;
  return isOurs(path, value, admission) ? undefined : `expected a path of ours, got ${shown}`;
}

/** Images, our annotations, pull secrets; of an UPDATE the API server takes nothing but images. */
function isOurs(path: string, value: unknown, { pod, subresource }: PodAdmission): boolean {
  if (subresource === 'ephemeralcontainers') return ephemeralPath.test(path);
  if (imagePath.test(path) || volumePath.test(path) || annotationPath.test(path)) {
    return typeof value === 'string';
  }
  // That those which the Pod names stay is what `checkPatch` sees to.
  if (path === '/spec/imagePullSecrets') return Array.isArray(value);
  return isNewParent(path, value, pod);
}

/** A parent as a whole, only where the Pod has none that would be lost. */
function isNewParent(path: string, value: unknown, { metadata }: PodObject): boolean {
  if (path !== '/metadata/annotations' || typeof value !== 'object' || value === null) return false;
  const isEmpty = Object.keys(metadata?.annotations ?? {}).length === 0;
  return isEmpty && Object.keys(value).every((key) => key.startsWith('kuik.enix.io/'));
}
