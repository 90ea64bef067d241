import type { JsonObject } from './json.ts';
import { fail, type Result, succeed } from './result.ts';

/** One RFC 6902 operation, as far as kuik writes them: nothing is put into a list or taken away. */
export interface JsonPatchOperation {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** Why a patch cannot be applied, or may not be. */
export interface PatchProblem {
  /** The operation's path, where one operation is to blame. */
  readonly path?: string;
  readonly message: string;
}

/** Applies a patch, operation by operation, to a copy: what is handed in stays as it is. */
export function applyPatch(
  object: unknown,
  patch: readonly JsonPatchOperation[],
): Result<unknown, PatchProblem> {
  let patched = object;
  for (const operation of patch) {
    const tokens = readPointer(operation.path);
    const next = tokens.ok ? change(patched, tokens.value, operation) : tokens;
    if (!next.ok) return fail({ path: operation.path, message: next.error });
    patched = next.value;
  }
  return succeed(patched);
}

/** One reference token of a JSON pointer (RFC 6901 §4), escaped. */
export function escapePointerToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** RFC 6901 §3 and §4: empty for the whole document, else each token behind a slash. */
function readPointer(path: string): Result<readonly string[], string> {
  if (path === '') return succeed([]);
  if (!path.startsWith('/') || /~(?![01])/.test(path)) {
    return fail('expected a JSON pointer');
  }
  const tokens = path.slice(1).split('/');
  return succeed(tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')));
}

function change(
  node: unknown,
  tokens: readonly string[],
  operation: JsonPatchOperation,
): Result<unknown, string> {
  const [token, ...rest] = tokens;
  if (token === undefined) return succeed(operation.value);
  const isAdded = operation.op === 'add' && rest.length === 0;
  const problem = problemAt(node, token, isAdded);
  if (problem !== undefined) return fail(problem);
  const parent = node as JsonObject;
  const below = change(parent[token], rest, operation);
  if (!below.ok) return below;
  if (Array.isArray(node)) return succeed(node.with(Number(token), below.value));
  // A computed member is always the object's own, whatever it is called.
  return succeed({ ...parent, [token]: below.value });
}

/** RFC 6902 §4.1: add replaces a member that is there; all else needs something there. */
function problemAt(node: unknown, token: string, isAdded: boolean): string | undefined {
  if (!isObject(node)) return `expected an object or a list above "${token}"`;
  if (Array.isArray(node)) {
    const isThere = INDEX.test(token) && Number(token) < node.length;
    return isThere && !isAdded ? undefined : `expected an index below ${node.length}: "${token}"`;
  }
  return isAdded || Object.hasOwn(node, token) ? undefined : `expected "${token}" to be there`;
}

/** Digits without a leading zero (RFC 6901 §4). */
const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
