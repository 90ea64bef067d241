import type { Api } from '#test/support/api-server/api.ts';

/** Where what is known of a resource's images is written. */
export interface WrittenPlaces {
  /** Path of the resource. */
  readonly resource: string;
  /** The operator's, which holds the overflow. */
  readonly namespace: string;
}

interface Entry {
  readonly image: string;
}

/** As long as an error may be, and twice as long in JSON. */
const longestError = '"'.repeat(256);
/** A shard that was dealt with short lines has no room for longer ones. */
const usualError = 'e'.repeat(150);

/**
 * Writes, while nobody leads, that every image was checked a moment ago and could not be pulled, with
 * errors as long as may be: the fullest status that there is, and the dearest state to go on from.
 */
export async function writeAllFailed(
  api: Api,
  { resource, namespace }: WrittenPlaces,
): Promise<void> {
  const lastMonitor = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const failed = (entry: Entry, lastError: string) => {
    return { ...entry, status: 'NotFound', lastMonitor, lastError };
  };
  const { status } = (await api.get(resource)) as { status: { images: readonly Entry[] } };
  const images = status.images.map((entry) => failed(entry, longestError));
  await api.merge(`${resource}/status`, { status: { images } });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const { items } = (await api.get(path)) as {
    readonly items: readonly {
      readonly metadata: { readonly name: string };
      readonly data?: Readonly<Record<string, string>>;
    }[];
  };
  for (const { metadata, data } of items) {
    if (!metadata.name.startsWith('kuik-overflow-')) continue;
    const lines = (data?.['images'] ?? '').split('\n').map((line) => {
      return JSON.stringify(failed(JSON.parse(line) as Entry, usualError));
    });
    await api.merge(`${path}/${metadata.name}`, { data: { images: lines.join('\n') } });
  }
}
