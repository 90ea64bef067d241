import type { KubeClient } from './client.ts';
import { hasCode } from './failures.ts';

/** What the API server says of itself: the lists of groups, or of the resources of one. */
interface Discovery {
  readonly kind?: string;
  readonly resources?: readonly { readonly name?: string }[];
  readonly groups?: readonly {
    readonly name?: string;
    readonly versions?: readonly { readonly version?: string }[];
  }[];
}

/**
 * Whether the API server serves a collection such as `/apis/<group>/<version>/<plural>`, by what it
 * says of itself; undefined where it does not say. A 404 alone may come from anything in between.
 */
export async function isServed(
  client: Pick<KubeClient, 'call'>,
  path: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const [, root, group, version, plural] = path.split('/');
  if (root !== 'apis' || plural === undefined) return undefined;
  const ask = (at: string) => client.call<Discovery>({ method: 'GET', path: at }, signal);
  const resources = await ask(`/apis/${group}/${version}`);
  if (resources.ok) {
    if (resources.value.kind !== 'APIResourceList') return undefined;
    return resources.value.resources?.some(({ name }) => name === plural) === true;
  }
  if (!hasCode(resources.error, 404)) return undefined;
  const groups = await ask('/apis');
  if (!groups.ok || groups.value.kind !== 'APIGroupList') return undefined;
  const found = groups.value.groups?.find(({ name }) => name === group);
  // One that is named and not found a moment ago is on its way in or out.
  return found?.versions?.some((one) => one.version === version) === true ? undefined : false;
}
