import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { listPages } from '#kube/list-pages.ts';
import { resourcePath } from '#kube/paths.ts';
import { isOurCopy, type PlacedCopy, placedCopy, type StoredSecret } from './read-secret.ts';
import { ownerUidLabel } from './secret-copy.ts';
import { everywhere, type SecretRights } from './secret-rights.ts';

/** A page of metadata is some hundred kilobytes. */
const pageObjects = 500;
/** Beyond so many pages something else is wrong; what was read by then is looked after. */
const pagesMax = 100;
/** Names, labels and versions: no credential leaves the API server for this. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Where copies are looked for. */
export interface CopiesListing {
  readonly client: Pick<KubeClient, 'call'>;
  readonly rights: Pick<SecretRights, 'isRefused' | 'learn'>;
  /** Those that may have copies: asked one by one where no role lets us list all at once. */
  readonly namespaces: () => Iterable<string>;
}

/**
 * All copies in the cluster, those that kuik v2 made included: they are found by their label. What
 * the roles leave out has none of ours to look after.
 */
export async function listSecretCopies(
  listing: CopiesListing,
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  const { rights, namespaces } = listing;
  const all = await listUnlessRefused(listing, everywhere, signal);
  if (!all.ok || !rights.isRefused(everywhere)) return all;
  const copies: PlacedCopy[] = [];
  for (const namespace of namespaces()) {
    const listed = await listUnlessRefused(listing, namespace, signal);
    if (!listed.ok) return listed;
    copies.push(...listed.value);
  }
  return succeed(copies);
}

async function listUnlessRefused(
  { client, rights }: CopiesListing,
  namespace: string,
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  if (rights.isRefused(namespace)) return succeed([]);
  const listed = await listIn(client, namespace === everywhere ? {} : { namespace }, signal);
  return listed.ok || !rights.learn(namespace, listed.error) ? listed : succeed([]);
}

async function listIn(
  client: Pick<KubeClient, 'call'>,
  within: { readonly namespace?: string },
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  const listing = {
    path: resourcePath({ group: '', version: 'v1', plural: 'secrets', ...within }),
    query: { labelSelector: ownerUidLabel },
    accept: metadataOnly,
    pageObjects,
  };
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
