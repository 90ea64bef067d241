import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { listPages } from '#kube/list-pages.ts';
import { ownerUidLabel } from './secret-copy.ts';
import type { PlacedCopy } from './secret-placer.ts';

/** A page of metadata is some hundred kilobytes. */
const pageObjects = 500;
/** Beyond so many pages something else is wrong; what was read by then is looked after. */
const pagesMax = 100;
/** Names, labels and versions: no credential leaves the API server for this. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

interface ListedSecret {
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** All copies in the cluster, those that kuik v2 made included: they are found by their label. */
export async function listSecretCopies(
  client: Pick<KubeClient, 'call'>,
  signal: AbortSignal,
): Promise<Result<readonly PlacedCopy[], ApiFailure>> {
  const copies: PlacedCopy[] = [];
  let pages = 0;
  for await (const page of listPages<ListedSecret>(client, listing, signal)) {
    if (!page.ok) return page;
    copies.push(...page.value.items.map(copyOf));
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

function copyOf({ metadata = {} }: ListedSecret): PlacedCopy {
  const { namespace = '', name = '', uid = '', resourceVersion: version = '', labels } = metadata;
  return { namespace, name, uid, version, ownerUid: labels?.[ownerUidLabel] ?? '' };
}
