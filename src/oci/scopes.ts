/** What a request needs a right to. */
export interface ScopeRequest {
  /** `library/nginx`. */
  readonly repository: string;
  /** `pull` unless told: `pull,push`, `delete`. */
  readonly actions?: string;
  /** The repository that a blob is mounted from, on the same registry. */
  readonly mountFrom?: string;
}

/** What a token is for where a challenge does not say (distribution spec). */
export function usualScope({ repository, actions = 'pull', mountFrom }: ScopeRequest): string {
  const own = `repository:${repository}:${actions}`;
  return mountFrom === undefined ? own : `${own} repository:${mountFrom}:pull`;
}

/**
 * What a token is asked for with: what the challenge says, as it stands for whoever only reads. One
 * who writes asks for all that it is about to do, so that one token serves, and for both
 * repositories of a mount, of which registries name the one alone.
 */
export function wantedScope(request: ScopeRequest, said: string | undefined): string {
  const usual = usualScope(request);
  if (said === undefined) return usual;
  if (request.actions === undefined && request.mountFrom === undefined) return said;
  return said.split(' ').reduce(withScope, usual);
}

/** Adds one scope to others, its actions to those of the same resource. */
function withScope(scopes: string, added: string): string {
  const { resource, actions } = split(added);
  const others = scopes.split(' ');
  const index = others.findIndex((one) => split(one).resource === resource);
  const [known] = index === -1 ? [] : [split(others[index] ?? '')];
  if (known === undefined) return `${scopes} ${added}`;
  const all = [...new Set([...known.actions, ...actions])];
  return others.with(index, `${resource}:${all.join(',')}`).join(' ');
}

/** `repository:<path>:<actions>`; the path may have colons in it. */
function split(scope: string): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(':');
  return { resource: scope.slice(0, colon), actions: scope.slice(colon + 1).split(',') };
}
