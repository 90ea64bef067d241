import { digestOf } from './images.ts';
import { type RegistryAddress, registryRequest } from './registry-request.ts';

/** An image as it was read back: everything below one manifest. */
export interface PulledImage {
  /** Of the manifest that the name leads to, computed from its bytes. */
  readonly digest: string;
  /** Of every manifest and blob that was read, each once. */
  readonly digests: readonly string[];
  /** What is missing, or is not what its digest says; empty for a sound image. */
  readonly problems: readonly string[];
}

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(',');

interface NamedBlob {
  readonly digest: string;
  readonly urls?: readonly string[];
}

interface ManifestFields {
  readonly config?: NamedBlob;
  readonly layers?: readonly NamedBlob[];
  readonly manifests?: readonly { readonly digest: string }[];
}

/**
 * Reads an image back, every manifest and blob of it, and checks each against its digest; undefined
 * when the registry has no such manifest.
 */
export async function pullImage(
  registry: RegistryAddress,
  repository: string,
  reference: string,
): Promise<PulledImage | undefined> {
  const digests = new Set<string>();
  const problems: string[] = [];
  const base = `/v2/${repository}`;

  const readBlob = async (digest: string): Promise<void> => {
    if (digests.has(digest)) return;
    digests.add(digest);
    const { status, body } = await registryRequest(registry, { path: `${base}/blobs/${digest}` });
    if (status !== 200) problems.push(`blob ${digest}: ${status}`);
    else if (digestOf(body) !== digest) problems.push(`blob ${digest}: is ${digestOf(body)}`);
  };

  const readManifest = async (wanted: string): Promise<string | undefined> => {
    const path = `${base}/manifests/${wanted}`;
    const { status, body } = await registryRequest(registry, { path, headers: { accept } });
    if (status !== 200) return undefined;
    const digest = digestOf(body);
    digests.add(digest);
    const { children, blobs } = namedIn(body);
    for (const child of children) {
      const found = await readManifest(child);
      if (found !== child) problems.push(`manifest ${child}: ${found ?? 'missing'}`);
    }
    for (const blob of blobs) await readBlob(blob);
    return digest;
  };

  const digest = await readManifest(reference);
  return digest === undefined ? undefined : { digest, digests: [...digests], problems };
}

/** Digests that a manifest names; blobs that lie elsewhere are none of its registry's. */
function namedIn(body: Buffer): {
  readonly children: readonly string[];
  readonly blobs: readonly string[];
} {
  const { config, layers = [], manifests = [] } = JSON.parse(String(body)) as ManifestFields;
  const blobs = [...(config === undefined ? [] : [config]), ...layers];
  return {
    children: manifests.map(({ digest }) => digest),
    blobs: blobs.filter(({ urls }) => urls === undefined).map(({ digest }) => digest),
  };
}

/** All tags of a repository, sorted; none when there is no such repository. */
export async function tagsOf(registry: RegistryAddress, repository: string): Promise<string[]> {
  const { status, body } = await registryRequest(registry, {
    path: `/v2/${repository}/tags/list`,
  });
  if (status !== 200) return [];
  const { tags } = JSON.parse(String(body)) as { readonly tags: readonly string[] | null };
  return [...(tags ?? [])].sort();
}
