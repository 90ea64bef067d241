import type { ImageReference } from '#core/image/reference.ts';
import type { CopiedImage, CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { CopyRequest } from './copy.ts';
import { copyFailure } from './copy-failures.ts';
import type { CopyMemory } from './copy-memory.ts';
import { headManifest, type ManifestHead } from './head-manifest.ts';
import { type Child, isIndexType, type Manifest } from './image-manifest.ts';
import { ImagePush } from './image-push.ts';
import { collectImages } from './image-tree.ts';
import { type CutIndex, cutIndex, isImage, missingOf, platformsOf } from './index-cut.ts';
import { isComplete } from './look-at-copy.ts';
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
      const done = await this.#bring(reader, head.value.digest, await looking);
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
    if (head.value !== undefined) return this.#asPinned(head.value);
    const message = `HEAD ${this.#source.name}: ${reference}: expected 200, got 404`;
    return fail(copyFailure('source', 'not-found', message));
  }

  /** A registry that says something else of a digest is not to be believed. */
  #asPinned(head: ManifestHead): Result<ManifestHead, CopyFailure> {
    const { digest = head.digest } = this.#request.source;
    if (head.digest === digest) return succeed(head);
    const message = `HEAD ${this.#source.name}@${digest}: expected this digest, got ${head.digest}`;
    return fail(copyFailure('source', 'corrupt', message));
  }

  /** What stands under the tag now; whoever may write but not look finds nothing. */
  async #look(): Promise<Result<ManifestHead | undefined, CopyFailure>> {
    const found = await headManifest(this.#target, tagOf(this.#request.target), this.#signal);
    return !found.ok && found.error.reason === 'denied' ? succeed(undefined) : found;
  }

  async #bring(
    reader: SourceReader,
    sourceDigest: string,
    looked: Result<ManifestHead | undefined, CopyFailure>,
  ): Promise<Result<CopiedImage, CopyFailure>> {
    if (!looked.ok) return looked;
    const present = looked.value;
    const known = present && (await this.#known(sourceDigest, present));
    if (known?.ok === false) return known;
    return known?.value === undefined
      ? await this.#copy(reader, sourceDigest, present)
      : succeed(known.value);
  }

  async #copy(
    reader: SourceReader,
    sourceDigest: string,
    present: ManifestHead | undefined,
  ): Promise<Result<CopiedImage, CopyFailure>> {
    // 3. The source's manifest, cut where only some platforms are wanted.
    const read = await reader.manifest({ digest: sourceDigest });
    if (!read.ok) return read;
    const cut = this.#cut(read.value);
    if (!cut.ok) return cut;
    const { manifest, platforms, missing } = cut.value;
    const told = copied({ digest: manifest.digest, sourceDigest }, platforms, missing);
    const found = await this.#isThere(manifest.digest, present);
    if (!found.ok || found.value) return found.ok ? succeed(told) : found;
    const refused = await this.#request.beforePush?.({
      ...(present !== undefined && { standing: present.digest }),
      ...(platforms !== undefined && { platforms }),
    });
    if (refused !== undefined) return fail(refused);
    // 4. Everything below it, and it at the end, under its tag.
    const pushed = await this.#push(reader, manifest, present === undefined);
    return pushed.ok ? succeed({ ...told, found: false, bytes: pushed.value }) : pushed;
  }

  async #push(
    reader: SourceReader,
    manifest: Manifest,
    isNew: boolean,
  ): Promise<Result<number, CopyFailure>> {
    const images = await collectImages(reader, manifest);
    if (!images.ok) return images;
    const { target, onProgress = () => undefined } = this.#request;
    const push = new ImagePush(
      {
        ...{ memory: this.#memory, source: this.#source, target: this.#target, reader },
        ...{ images: images.value, tag: tagOf(target), isNew, onProgress },
      },
      this.#signal,
    );
    return await push.run();
  }

  /** Whether the tag leads to that digest, and that to all its parts. */
  async #isThere(
    digest: string,
    present: ManifestHead | undefined,
  ): Promise<Result<boolean, CopyFailure>> {
    if (present?.digest !== digest) return succeed(false);
    const whole = await isComplete(this.#target, present, this.#signal);
    return whole.ok ? succeed(whole.value.kind === 'complete') : whole;
  }

  /** Rule 12: what HEAD has answered is not read. */
  async #known(
    sourceDigest: string,
    present: ManifestHead,
  ): Promise<Result<CopiedImage | undefined, CopyFailure>> {
    const { known } = this.#request;
    const isRecorded = known?.digest === present.digest && known.sourceDigest === sourceDigest;
    const isSame = present.digest === sourceDigest && !isIndexType(present.mediaType);
    if (!isRecorded && !isSame) return succeed(undefined);
    const whole = await isComplete(this.#target, present, this.#signal);
    if (!whole.ok) return whole;
    if (whole.value.kind === 'incomplete') return succeed(undefined);
    return succeed(this.#told({ digest: present.digest, sourceDigest }, whole.value.children));
  }

  /** What a recorded copy is; `undefined` where its source may have more that is wanted now. */
  #told(digests: Digests, children: readonly Child[]): CopiedImage | undefined {
    const { platforms, target } = this.#request;
    const isWanted = platforms !== 'all' && target.digest === undefined && children.some(isImage);
    const missing = isWanted ? missingOf(children, platforms) : [];
    if (digests.digest === digests.sourceDigest) return copied(digests, undefined, missing);
    // Cut when less was wanted.
    const isWhole = platforms === 'all' || target.digest !== undefined;
    return isWhole || missing.length > 0 ? undefined : copied(digests, platformsOf(children));
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

/** A copy that stands there; told anew where it had to be written. */
function copied(
  digests: Digests,
  platforms?: readonly string[],
  missing: readonly string[] = [],
): CopiedImage {
  return {
    ...{ kind: 'copied', ...digests, found: true, bytes: 0 },
    ...(platforms !== undefined && { platforms }),
    ...(missing.length > 0 && { missingPlatforms: missing }),
  };
}

type Digests = Pick<CopiedImage, 'digest' | 'sourceDigest'>;

/** What is asked for at the source. */
function referenceOf({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

/** The tag of a copy: one by digest has a tag of its own, so that no registry collects it. */
export function tagOf({ digest, tag }: ImageReference): string {
  return digest === undefined ? (tag ?? 'latest') : `kuik-${digest.replace(':', '-')}`;
}
