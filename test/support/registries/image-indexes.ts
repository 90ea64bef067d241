import {
  byDigest,
  digestOf,
  type PushedManifest,
  pushBlob,
  pushManifest,
  splitName,
} from './images.ts';
import type { RegistryAddress } from './registry-request.ts';

/** A platform as an index names it. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A manifest, or another index, in an index. */
export interface IndexChild extends PushedManifest {
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

const indexTypes = {
  oci: 'application/vnd.oci.image.index.v1+json',
  docker: 'application/vnd.docker.distribution.manifest.list.v2+json',
};

/** Pushes an index of what is there already; a child of it may be an index. */
export async function pushIndexOf(
  registry: RegistryAddress,
  name: string,
  children: readonly IndexChild[],
  kind: 'oci' | 'docker' = 'oci',
): Promise<PushedManifest> {
  const manifests = children.map(({ digest, mediaType, size, platform, annotations }) => ({
    ...{ digest, mediaType, size },
    ...(platform !== undefined && { platform }),
    ...(annotations !== undefined && { annotations }),
  }));
  return await pushManifest(registry, name, { mediaType: indexTypes[kind], manifests });
}

/** Pushes what BuildKit attests of an image, as the child of an index that names that image. */
export async function pushAttestation(
  registry: RegistryAddress,
  name: string,
  subject: string,
): Promise<IndexChild> {
  const { repository } = splitName(name);
  const config = Buffer.from(`{"architecture":"unknown","os":"unknown","of":"${subject}"}`);
  const statement = Buffer.from(`{"_type":"https://in-toto.io/Statement/v0.1","of":"${subject}"}`);
  for (const blob of [config, statement]) await pushBlob(registry, repository, blob);
  const pushed = await pushManifest(registry, `${repository}:${byDigest}`, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: 'application/vnd.in-toto+json',
        digest: digestOf(statement),
        size: statement.length,
      },
    ],
  });
  return {
    ...pushed,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject,
    },
  };
}
