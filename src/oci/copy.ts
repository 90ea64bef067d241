import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import type { CopyPush } from '#core/mirroring/copy-record.ts';
import type { Result } from '#core/result.ts';
import { CopyMemory, type TransferBounds } from './copy-memory.ts';
import { type CopyDeletion, CopyDeletions, type RemovalBounds } from './delete-copy.ts';
import { ImageCopy, tagOf } from './image-copy.ts';
import type { Descriptor } from './image-manifest.ts';
import type { Platform } from './index-cut.ts';
import { type CopyLook, lookAtCopy } from './look-at-copy.ts';
import { measureImage } from './measure-image.ts';
import type { RemoteOptions, RemoteRepository } from './remote-repository.ts';

export type { CopyDeletion } from './delete-copy.ts';
export type { Platform } from './index-cut.ts';
export type { CopyLook } from './look-at-copy.ts';

/** Copies images from registry to registry. Never retries a copy, keeps nothing on disk. */
export interface ImageCopier {
  /** An aborted copy is a failure that nobody waits for; what it had begun is called off. */
  readonly copy: (request: CopyRequest, signal: AbortSignal) => Promise<CopyOutcome>;
  /** Whether a copy is there, by HEAD alone: its tag, and an index's children. */
  readonly look: (request: LookRequest, signal: AbortSignal) => Promise<CopyLook>;
  /** What an image consists of, with the sizes that its manifests name. */
  readonly measure: (
    request: MeasureRequest,
    signal: AbortSignal,
  ) => Promise<Result<readonly Descriptor[], CopyFailure>>;
  /** Deletes one copy while the registry still shows its recorded digest. */
  readonly deleteCopy: (request: DeleteRequest, signal: AbortSignal) => Promise<CopyDeletion>;
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
  /** Awaited before the first byte goes out; a failure is what the copy comes to then. */
  readonly beforePush?: (push: CopyPush) => Promise<CopyFailure | undefined>;
  /** Told as blocks go out; whoever listens throttles. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** An image that may be copied. */
export type MeasureRequest = Pick<
  CopyRequest,
  'source' | 'sourceCredentials' | 'platforms' | 'share'
>;

/** A copy to ask for. */
export interface LookRequest {
  readonly target: ImageReference;
  /** In the order to try; none: anonymous. */
  readonly credentials: readonly Credential[];
  /** What was recorded; without, anything that is there is right. */
  readonly digest?: string;
  /** Whose look-ups of names these are counted with: a namespace. */
  readonly share?: string;
}

/** A copy to delete. */
export interface DeleteRequest extends LookRequest {
  readonly digest: string;
  readonly removal: RemovalBounds;
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

/** Makes the copier; its connections are the client's. */
export function createImageCopier(options: RemoteOptions, bounds?: TransferBounds): ImageCopier {
  const memory = new CopyMemory(options, bounds);
  const deletions = new CopyDeletions();
  return {
    copy: async (request, signal) => {
      const copy = new ImageCopy(memory, request, signal);
      return await untilAborted(copy.run(), signal);
    },
    look: async (request, signal) => {
      const { digest } = request;
      const wanted = { tag: tagOf(request.target), ...(digest !== undefined && { digest }) };
      return await lookAtCopy(repositoryOf(memory, request), wanted, signal);
    },
    measure: async ({ source, sourceCredentials: credentials, platforms, share }, signal) => {
      const { registry, path, digest, tag = 'latest' } = source;
      const rights = { side: 'source', registry, path, credentials } as const;
      const repository = memory.repository({ ...rights, ...(share !== undefined && { share }) });
      // What is used by its digest is copied whole.
      const kept = digest === undefined ? platforms : 'all';
      return await measureImage(repository, { reference: digest ?? tag, platforms: kept }, signal);
    },
    deleteCopy: async (request, signal) => {
      const { digest, removal } = request;
      const copy = { tag: tagOf(request.target), digest, removal };
      return await deletions.delete(repositoryOf(memory, request), copy, signal);
    },
  };
}

function repositoryOf(
  memory: CopyMemory,
  { target: { registry, path }, credentials, share }: LookRequest,
): RemoteRepository {
  const rights = { side: 'target', registry, path, credentials } as const;
  return memory.repository({ ...rights, ...(share !== undefined && { share }) });
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
