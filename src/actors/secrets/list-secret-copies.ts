import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { listPages } from '#kube/list-pages.ts';
import { isOurCopy, type PlacedCopy, placedCopy, type StoredSecret } from './read-secret.ts';
import { ownerUidLabel } from './secret-copy.ts';

/** A page of metadata is some hundred kilobytes. */
const pageObjects = 500;
/** Beyond so many pages something else is wrong; what was read by then is looked after. */
const pagesMax = 100;
/** Names, labels and versions: no credential leaves the API server for this. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** All copies in the cluster, those that kuik v2 made included: they are found by their label. */
export async function listSecretCopies(
  client: Pick<KubeClient, 'call'>,
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  const copies: PlacedCopy[] = [];
  let pages = 0;
  for await (const page of listPages<StoredSecret>(client, listing, signal)) {
    if (!page.ok) return page;
    copies.push(...page.value.items.filter(isOurCopy).map(placedCopy));
    pages += 1;
    if (pages === pagesMax) break;
  }
  return succeed(copies);
}

const listing = {
  path: '/api/v1/secrets',
  query: { labelSelector: ownerUidLabel },
  accept: metadataOnly,
  pageObjects,
};
