import { fail, type Result, succeed } from './result.ts';

/** One RFC 6902 operation, as far as kuik writes them. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

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

type Step<T> = Result<T, string>;
type JsonObject = Readonly<Record<string, unknown>>;

/** RFC 6901 §3 and §4: empty for the whole document, else each token behind a slash. */
function readPointer(path: string): Step<readonly string[]> {
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
): Step<unknown> {
  const [token, ...rest] = tokens;
  if (token === undefined) return changeWhole(node, operation);
  if (Array.isArray(node)) {
    return rest.length === 0
      ? changeItem(node, token, operation)
      : changeBelowItem(node, { token, rest }, operation);
  }
  if (!isObject(node)) return fail(`expected an object or a list above "${token}"`);
  if (rest.length === 0) return changeMember(node, token, operation);
  if (!Object.hasOwn(node, token)) return fail(`expected "${token}" to be there`);
  const below = change(node[token], rest, operation);
  return below.ok ? succeed(withMember(node, token, below.value)) : below;
}

function changeWhole(node: unknown, operation: JsonPatchOperation): Step<unknown> {
  if (operation.op === 'remove') return fail('expected a member or an item to remove');
  if (operation.op !== 'test') return succeed(operation.value);
  return isEqual(node, operation.value) ? succeed(node) : fail('expected another value');
}

function changeMember(
  node: JsonObject,
  token: string,
  operation: JsonPatchOperation,
): Step<unknown> {
  // RFC 6902 §4.1: add replaces what is there; all others need something there.
  if (operation.op === 'add') return succeed(withMember(node, token, operation.value));
  if (!Object.hasOwn(node, token)) return fail(`expected "${token}" to be there`);
  if (operation.op === 'remove') {
    return succeed(Object.fromEntries(Object.entries(node).filter(([key]) => key !== token)));
  }
  const below = changeWhole(node[token], operation);
  return below.ok ? succeed(withMember(node, token, below.value)) : below;
}

function changeItem(
  node: readonly unknown[],
  token: string,
  operation: JsonPatchOperation,
): Step<unknown> {
  if (operation.op === 'add') {
    const index = token === '-' ? node.length : readIndex(token, node.length + 1);
    return index === undefined
      ? fail(`expected an index up to ${node.length}, got "${token}"`)
      : succeed(node.toSpliced(index, 0, operation.value));
  }
  const index = readIndex(token, node.length);
  if (index === undefined) return fail(`expected an index below ${node.length}, got "${token}"`);
  if (operation.op === 'remove') return succeed(node.toSpliced(index, 1));
  const below = changeWhole(node[index], operation);
  return below.ok ? succeed(node.with(index, below.value)) : below;
}

function changeBelowItem(
  node: readonly unknown[],
  { token, rest }: { readonly token: string; readonly rest: readonly string[] },
  operation: JsonPatchOperation,
): Step<unknown> {
  const index = readIndex(token, node.length);
  if (index === undefined) return fail(`expected an index below ${node.length}, got "${token}"`);
  const below = change(node[index], rest, operation);
  return below.ok ? succeed(node.with(index, below.value)) : below;
}

/** Digits without a leading zero (RFC 6901 §4), below `limit`. */
function readIndex(token: string, limit: number): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(token)) return undefined;
  const index = Number(token);
  return index < limit ? index : undefined;
}

/** A computed member is always the object's own, whatever it is called. */
function withMember(node: JsonObject, token: string, value: unknown): JsonObject {
  return { ...node, [token]: value };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

function isEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) {
    return false;
  }
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key], right[key]))
  );
}
