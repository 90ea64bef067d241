import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';
import { type CertificateAuthority, makeAuthority } from '#test/support/registries/tls.ts';

/** Two registries over TLS, and who trusts them. */
export interface CopyStage {
  readonly source: TestRegistry;
  readonly target: TestRegistry;
  /** File that holds the authority's certificate. */
  readonly authorityFile: string;
  readonly authority: CertificateAuthority;
  readonly close: () => Promise<void>;
}

/** What a registry was asked for since it was last asked for this. */
export interface Counts {
  /** By `METHOD class`: `POST upload`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly blobBytes: number;
}

/** Images of one size. */
export interface ImageShape {
  readonly images: number;
  readonly layers: number;
  readonly layerBytes: number;
}

/** Starts the registries; each request to either takes so much longer. */
export async function setCopyStage(delayMs = 0): Promise<CopyStage> {
  const authority = await makeAuthority();
  const tls = { ...(await authority.issue()), authorityPem: authority.pem };
  const directory = temporaryDirectory('copy-bench');
  const authorityFile = join(directory.path, 'authority.pem');
  writeFileSync(authorityFile, authority.pem);
  const source = await startRegistry({ tls, measuring: { delayMs } });
  const target = await startRegistry({ tls, measuring: { delayMs } });
  return {
    ...{ source, target, authority, authorityFile },
    close: async () => {
      await source.remove();
      await target.remove();
      directory.remove();
    },
  };
}

/** Pushes images of random bytes, `bench/<name>-<n>:1`; answers with their names on the source. */
export async function pushImages(
  { source }: CopyStage,
  name: string,
  { images, layers, layerBytes }: ImageShape,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (let index = 0; index < images; index += 1) {
    const image = `bench/${name}-${index}:1`;
    const each = Array.from({ length: layers }, () => ({ bytes: layerBytes }));
    await pushLayeredImage(source, image, { layers: each });
    names.push(image);
  }
  return names;
}

/** What was counted, and counting starts anew. */
export async function takeCounts(registry: TestRegistry): Promise<Counts> {
  const { body } = await registryRequest(registry, { path: '/-/counts', method: 'DELETE' });
  return JSON.parse(String(body)) as Counts;
}
