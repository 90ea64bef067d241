import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { CopyMemory } from './copy-memory.ts';
import { ImageCopy } from './image-copy.ts';
import type { Platform } from './index-cut.ts';
import type { RemoteOptions } from './remote-repository.ts';

export type { Platform } from './index-cut.ts';

/** Copies images from registry to registry. Never retries a copy, keeps nothing on disk. */
export interface ImageCopier {
  /** An aborted copy is a failure that nobody waits for; what it had begun is called off. */
  readonly copy: (request: CopyRequest, signal: AbortSignal) => Promise<CopyOutcome>;
}

/** One image that a mirror is to have. */
export interface CopyRequest {
  readonly source: ImageReference;
  /** In the order to try, five at most; none: anonymous. */
  readonly sourceCredentials: readonly Credential[];
  /** The same tag or digest on the mirror; a digest also gets the tag `kuik-sha256-<hex>`. */
  readonly target: ImageReference;
  readonly targetCredentials: readonly Credential[];
  /** What an index is cut down to; what is used by its digest is copied whole. */
  readonly platforms: 'all' | readonly Platform[];
  /** What was recorded of this copy: where both digests are still the same, nothing is read. */
  readonly known?: KnownCopy;
  /** Whose look-ups of names these are counted with: a namespace. */
  readonly share?: string;
  /** Told as blocks go out; whoever listens throttles. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** What was recorded of a copy. */
export interface KnownCopy {
  readonly digest: string;
  readonly sourceDigest: string;
}

/** How far a copy is. */
export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** What a copier stands on. */
export interface CopierOptions extends RemoteOptions {
  /** How long a body may be without progress; rule 19 of copying unless told. */
  readonly idleMs?: number;
}

/** Makes the copier; its connections are the client's. */
export function createImageCopier(options: CopierOptions): ImageCopier {
  const memory = new CopyMemory(options);
  return {
    copy: async (request, signal) => {
      const copy = new ImageCopy(memory, request, signal);
      return await untilAborted(copy.run(), signal);
    },
  };
}

/** What waits for others goes on after an abort; whoever called it off need not wait for that. */
async function untilAborted(
  running: Promise<CopyOutcome>,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const { promise, resolve } = Promise.withResolvers<CopyFailure>();
  const abort = (): void =>
    resolve({
      ...{ kind: 'failed', side: 'source', reason: 'unreachable' },
      message: 'the copy was called off',
    });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([running, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
