import type { ImageReference } from '#core/image/reference.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { CopyRequest } from './copy.ts';
import { copyFailure } from './copy-failures.ts';
import type { CopyMemory } from './copy-memory.ts';
import { headManifest, type ManifestHead } from './head-manifest.ts';
import type { Manifest } from './image-manifest.ts';
import { ImagePush } from './image-push.ts';
import { collectImages } from './image-tree.ts';
import { type CutIndex, cutIndex } from './index-cut.ts';
import type { RemoteRepository } from './remote-repository.ts';
import type { SourceReader } from './source-image.ts';

/** One copy of one image to one mirror. */
export class ImageCopy {
  readonly #memory: CopyMemory;
  readonly #request: CopyRequest;
  readonly #signal: AbortSignal;
  readonly #source: RemoteRepository;
  readonly #target: RemoteRepository;

  /** Sends nothing before it is run. */
  constructor(memory: CopyMemory, request: CopyRequest, signal: AbortSignal) {
    const { source, sourceCredentials, target, targetCredentials, share } = request;
    this.#memory = memory;
    this.#request = request;
    this.#signal = signal;
    const shared = share === undefined ? {} : { share };
    this.#source = memory.repository({
      ...{ side: 'source', credentials: sourceCredentials },
      ...{ registry: source.registry, path: source.path },
      ...shared,
    });
    this.#target = memory.repository({
      ...{ side: 'target', credentials: targetCredentials },
      ...{ registry: target.registry, path: target.path },
      ...shared,
    });
  }

  /** Looks at both sides and copies what is not there. */
  async run(): Promise<CopyOutcome> {
    // 1. HEAD on both sides: it asks nothing of a quota, and is most often all.
    const looking = this.#look();
    const head = await this.#headSource();
    if (!head.ok) return head.error;
    // 2. From here on others who copy it wait for this one, and it for them.
    const reader = this.#memory.read(this.#source, head.value.digest);
    const leave = (): void => reader.leave();
    this.#signal.addEventListener('abort', leave, { once: true });
    try {
      const present = await looking;
      if (!present.ok) return present.error;
      const done = await this.#bring(reader, head.value, present.value);
      return done.ok ? done.value : done.error;
    } finally {
      this.#signal.removeEventListener('abort', leave);
      leave();
    }
  }

  async #headSource(): Promise<Result<ManifestHead, CopyFailure>> {
    const { source } = this.#request;
    const reference = referenceOf(source);
    const head = await this.#memory.headSource(this.#source, reference, this.#signal);
    if (!head.ok) return head;
    if (head.value !== undefined) return succeed(head.value);
    const message = `HEAD ${this.#source.name}: ${reference}: expected 200, got 404`;
    return fail(copyFailure('source', 'not-found', message));
  }

  /** What stands under the tag now; whoever may write but not look finds nothing. */
  async #look(): Promise<Result<ManifestHead | undefined, CopyFailure>> {
    const found = await headManifest(this.#target, tagOf(this.#request.target), this.#signal);
    return !found.ok && found.error.reason === 'denied' ? succeed(undefined) : found;
  }

  async #bring(
    reader: SourceReader,
    { digest: sourceDigest }: ManifestHead,
    present: ManifestHead | undefined,
  ): Promise<Result<CopyOutcome, CopyFailure>> {
    // 3. The source's manifest, cut where only some platforms are wanted.
    const read = await reader.manifest({ digest: sourceDigest });
    if (!read.ok) return read;
    const cut = this.#cut(read.value);
    if (!cut.ok) return cut;
    const { manifest, platforms, missing } = cut.value;
    const told = {
      ...{ kind: 'copied' as const, digest: manifest.digest, sourceDigest },
      ...(platforms !== undefined && { platforms }),
      ...(missing.length > 0 && { missingPlatforms: missing }),
    };
    if (present?.digest === manifest.digest) return succeed({ ...told, found: true, bytes: 0 });
    // 4. Everything below it, and it at the end, under its tag.
    const images = await collectImages(reader, manifest);
    if (!images.ok) return images;
    const push = new ImagePush(
      {
        ...{ memory: this.#memory, source: this.#source, target: this.#target, reader },
        ...{ images: images.value, tag: tagOf(this.#request.target), isNew: present === undefined },
        onProgress: this.#request.onProgress ?? (() => undefined),
      },
      this.#signal,
    );
    const pushed = await push.run();
    return pushed.ok ? succeed({ ...told, found: false, bytes: pushed.value }) : pushed;
  }

  /** What is used by its digest is copied whole, so that the digest survives. */
  #cut(manifest: Manifest): Result<CutIndex, CopyFailure> {
    const { platforms, target } = this.#request;
    const isWhole =
      platforms === 'all' || target.digest !== undefined || manifest.content.kind === 'image';
    if (isWhole) return succeed({ manifest, missing: [] });
    const cut = cutIndex(manifest, platforms);
    if (cut !== undefined) return succeed(cut);
    const message = `${this.#source.name}: expected one of the platforms that are mirrored, got none`;
    return fail(copyFailure('source', 'no-platform', message));
  }
}

/** What is asked for at the source. */
function referenceOf({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

/** The tag of a copy: one by digest has a tag of its own, so that no registry collects it. */
export function tagOf({ digest, tag }: ImageReference): string {
  return digest === undefined ? (tag ?? 'latest') : `kuik-${digest.replace(':', '-')}`;
}
