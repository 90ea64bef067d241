import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { type PlacedCopy, placedCopy, type StoredSecret } from './read-secret.ts';
import { ownerUidLabel } from './secret-copy.ts';

/** A page of metadata is some hundred kilobytes. */
const pageObjects = 500;
/** Beyond so many pages something else is wrong; what was read by then is looked after. */
const pagesMax = 100;
/** Names, labels and versions: no credential leaves the API server for this. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

interface Page {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly StoredSecret[];
}

/** All copies in the cluster, those that kuik v2 made included: they are found by their label. */
export async function listSecretCopies(
  client: Pick<KubeClient, 'call'>,
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  const copies: PlacedCopy[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const query = { labelSelector: ownerUidLabel, limit: pageObjects, continue: token };
    const call = { method: 'GET', path: '/api/v1/secrets', query, accept: metadataOnly } as const;
    const page = await client.call<Page>(call, signal);
    if (!page.ok) return page;
    copies.push(...(page.value.items ?? []).map(placedCopy));
    token = page.value.metadata?.continue || undefined;
    if (token === undefined) break;
  }
  return succeed(copies);
}
