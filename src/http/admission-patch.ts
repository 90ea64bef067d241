import type { PodAdmission } from '#core/pod.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { checkPatch, PATCH_OPERATIONS_MAX } from '#core/routing/check-patch.ts';

/**
 * Longest patch in characters. Annotations end at 256 KiB and images at some hundred characters for
 * each of a Pod's containers; beyond this it is none of ours.
 */
const patchCharactersMax = 2_097_152;
/** Of an UPDATE the API server takes nothing but the images of ephemeral containers. */
const ephemeralPath = /^\/spec\/ephemeralContainers\/\d+\/image$/;

/**
 * Checks a patch as it would leave (behaviour §3.13): what is not data, an operation that this
 * webhook never writes, a path that is none of its business, one that does not apply or spoils the
 * Pod. Answers with the text that may leave, `undefined` where there is nothing to patch, or with why
 * none may. Whatever made the patch is not trusted to have made one.
 */
export function checkAdmissionPatch(
  admission: PodAdmission,
  patch: unknown,
): Result<string | undefined, string> {
  if (!Array.isArray(patch)) return fail(`expected a list of operations, got ${typeof patch}`);
  if (patch.length === 0) return succeed(undefined);
  if (patch.length > PATCH_OPERATIONS_MAX) {
    return fail(`expected at most ${PATCH_OPERATIONS_MAX} operations, got ${patch.length}`);
  }
  const text = writeJson(patch);
  if (!text.ok) return text;
  // What leaves is what is checked: JSON may have dropped or changed what was in memory.
  const operations: unknown = JSON.parse(text.value);
  if (admission.subresource === 'ephemeralcontainers' && !changesEphemeralOnly(operations)) {
    return fail('expected nothing but images of ephemeral containers in the patch of an UPDATE');
  }
  const checked = checkPatch(admission.pod, operations);
  if (checked.ok) return text;
  const { path, message } = checked.error;
  return fail(path === undefined ? message : `${message} at ${path.slice(0, 120)}`);
}

/** Cycles, getters that throw and numbers that JSON does not know are no data. */
function writeJson(patch: readonly unknown[]): Result<string, string> {
  let text: unknown;
  try {
    text = JSON.stringify(patch);
  } catch (error) {
    return fail(`expected a patch that JSON can hold: ${describe(error)}`);
  }
  if (typeof text !== 'string') return fail('expected a patch that JSON can hold, got nothing');
  if (text.length <= patchCharactersMax) return succeed(text);
  return fail(`expected a patch of at most ${patchCharactersMax} characters, got ${text.length}`);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : `got a ${typeof error} thrown`;
}

function changesEphemeralOnly(operations: unknown): boolean {
  if (!Array.isArray(operations)) return false;
  return operations.every(
    (operation: { readonly path?: unknown } | null) =>
      typeof operation?.path === 'string' && ephemeralPath.test(operation.path),
  );
}
