import { readFileSync } from 'node:fs';
import { parseReference } from '#core/image/reference.ts';
import { createOciClient } from '#oci/client.ts';
import type { CopyPair } from './copy-process.ts';

/** Whatever copies. */
export interface Copier {
  /** What went wrong, or nothing. */
  readonly copy: (pair: CopyPair) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
}

/** The copier of `oci` with the registries of the bench. */
export function createBenchCopier(authorityFile: string, hosts: readonly string[]): Copier {
  const caFile = readFileSync(authorityFile, 'utf8');
  const registries = Object.fromEntries(hosts.map((host) => [host, { caFile }]));
  const client = createOciClient({ registries });
  return {
    copy: async (pair) => {
      const outcome = await client.copier.copy(
        {
          source: referenceOf(pair.source),
          sourceCredentials: [],
          target: referenceOf(pair.target),
          targetCredentials: [],
          platforms: 'all',
        },
        new AbortController().signal,
      );
      return outcome.kind === 'copied' ? undefined : outcome.message;
    },
    close: client.close,
  };
}

function referenceOf(image: string) {
  const parsed = parseReference(image);
  if (!parsed.ok) throw new Error(`Expected an image, got ${image}.`);
  return parsed.value;
}
