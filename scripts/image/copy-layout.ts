import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Credential, findCredentials, openSecret } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { createOciClient } from '#oci/client.ts';
import { readLayoutTop } from './layout.ts';
import { serveLayout } from './layout-server.ts';

/** A registry on the other side of a copy. */
export interface RemoteImage {
  readonly reference: ImageReference;
  /** Whether it is spoken to over plain HTTP. */
  readonly isPlainHttp?: boolean;
  /** Path of a CA bundle, or its PEM text, trusted beside the common roots. */
  readonly caFile?: string;
  /** In the order to try; those of the docker config where none are given. */
  readonly credentials?: readonly Credential[];
}

/** The repository that a layout is served under; it is never seen outside. */
const servedPath = 'layout';

/** Pushes what a layout holds with the operator's own copier. */
export async function pushLayout(directory: string, remote: RemoteImage): Promise<CopyOutcome> {
  const { digest } = await readLayoutTop(directory);
  const tag = remote.reference.tag ?? 'latest';
  await using copy = await startCopy(directory, remote, new Map([[tag, digest]]));
  return await copy.client.copier.copy(
    {
      source: { registry: copy.host, path: servedPath, tag },
      sourceCredentials: [],
      target: { registry: remote.reference.registry, path: remote.reference.path, tag },
      targetCredentials: copy.credentials,
      platforms: 'all',
    },
    new AbortController().signal,
  );
}

/** Reads an image into a layout that was begun; its digest is that of what was copied. */
export async function pullIntoLayout(
  directory: string,
  remote: RemoteImage,
  platforms: readonly { readonly os: string; readonly architecture: string }[],
): Promise<CopyOutcome> {
  const { tag = 'latest', digest } = remote.reference;
  const named = digest === undefined ? { tag } : { digest };
  await using copy = await startCopy(directory, remote);
  return await copy.client.copier.copy(
    {
      source: { ...remote.reference, ...(digest === undefined && { tag }) },
      sourceCredentials: copy.credentials,
      target: { registry: copy.host, path: servedPath, ...named },
      targetCredentials: [],
      platforms,
    },
    new AbortController().signal,
  );
}

async function startCopy(
  directory: string,
  { reference, isPlainHttp = false, caFile, credentials }: RemoteImage,
  tags?: ReadonlyMap<string, string>,
) {
  const server = await serveLayout(directory, tags);
  const settings = { plainHTTP: isPlainHttp, ...(caFile !== undefined && { caFile }) };
  const client = createOciClient({
    registries: { [server.host]: { plainHTTP: true }, [reference.registry]: settings },
  });
  return {
    client,
    host: server.host,
    credentials: credentials ?? dockerCredentials(reference),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await server.close();
    },
  };
}

/** What `docker login` wrote; programs that keep passwords elsewhere are not asked. */
function dockerCredentials(image: ImageReference): readonly Credential[] {
  const directory = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker');
  let text: string;
  try {
    text = readFileSync(join(directory, 'config.json'), 'utf8');
  } catch {
    return [];
  }
  const secret = {
    namespace: 'docker',
    name: 'config.json',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': text },
  };
  return findCredentials([openSecret(secret)], image);
}
