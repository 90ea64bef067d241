import type {
  ClusterImageSetAvailability,
  ClusterImageSetAvailabilityStatus,
} from '#api/image-set-availability.ts';
import { apiGroup, apiVersionName } from '#api/kinds.ts';
import type { AvailabilityStatus } from '#core/monitoring/status-list.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { applyObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';
import type { OverflowOwner } from './overflow-shards.ts';

const apiVersion = `${apiGroup}/${apiVersionName}`;
const kind = 'ClusterImageSetAvailability';
const fieldManager = 'kuik-availability';

/** A ClusterImageSetAvailability as an owner of objects, and as what events are about. */
export function availabilityOwner(name: string, uid: string): OverflowOwner {
  return { apiVersion, kind, name, uid };
}

/** The resource as the API server has it this moment; undefined when there is none. */
export async function readAvailability(
  client: Pick<KubeClient, 'call'>,
  name: string,
  signal: AbortSignal,
): Promise<Result<ClusterImageSetAvailability | undefined, ApiFailure>> {
  const path = resourcePath(placeOf(name));
  const answer = await client.call<ClusterImageSetAvailability>({ method: 'GET', path }, signal);
  if (answer.ok) return succeed(answer.value);
  return hasCode(answer.error, 404) ? succeed(undefined) : fail(answer.error);
}

/** Whether a status says that there is more than it lists. */
export function isBeyond({
  imageCount = 0,
  images = [],
}: ClusterImageSetAvailabilityStatus = {}): boolean {
  return imageCount > images.length;
}

/** Makes the status say this of its images, whoever wrote it before; conditions stay as they are. */
export async function applyAvailabilityStatus(
  client: Pick<KubeClient, 'call'>,
  { owner, status }: { readonly owner: OverflowOwner; readonly status: AvailabilityStatus },
  signal: AbortSignal,
): Promise<Result<unknown, ApiFailure>> {
  const { name, uid } = owner;
  // With the uid: one that was made anew under the same name is another resource.
  const object = { apiVersion, kind, metadata: { name, uid }, status };
  const place = { ...placeOf(name), subresource: 'status' };
  return await applyObject(client, { place, object, options: { fieldManager } }, signal);
}

function placeOf(name: string): ResourcePlace {
  const plural = 'clusterimagesetavailabilities';
  return { group: apiGroup, version: apiVersionName, plural, name };
}
