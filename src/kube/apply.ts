import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from './client.ts';
import { type ApiFailure, hasCode } from './failures.ts';
import { type ResourcePlace, resourcePath } from './paths.ts';

/**
 * Server-side apply: the object becomes what `object` says of the fields it names, also of those
 * that another manager wrote; ours are nobody else's.
 */
export async function applyObject<T>(
  client: Pick<KubeClient, 'call'>,
  {
    place,
    object,
    options,
  }: {
    readonly place: ResourcePlace;
    readonly object: object;
    /** Who writes; one name a writer, so that the server knows whose fields are whose. */
    readonly options: { readonly fieldManager: string };
  },
  signal: AbortSignal,
): Promise<Result<T, ApiFailure>> {
  return await client.call<T>(
    {
      method: 'PATCH',
      path: resourcePath(place),
      query: { ...options, force: true },
      body: object,
      contentType: 'application/apply-patch+yaml',
    },
    signal,
  );
}

/**
 * Deletes one object; one that is gone already is no failure. With `uid` only that very object:
 * one made anew under the same name stays, and the answer is a `Conflict`.
 */
export async function deleteObject(
  client: Pick<KubeClient, 'call'>,
  { place, uid }: { readonly place: ResourcePlace; readonly uid?: string },
  signal: AbortSignal,
): Promise<Result<void, ApiFailure>> {
  const answer = await client.call<unknown>(
    {
      method: 'DELETE',
      path: resourcePath(place),
      ...(uid !== undefined && { body: { preconditions: { uid } } }),
    },
    signal,
  );
  return answer.ok || hasCode(answer.error, 404) ? succeed(undefined) : answer;
}
