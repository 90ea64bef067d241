import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type UploadedBlob, uploadBlob } from './blob-upload.ts';
import type { CopyProgress } from './copy.ts';
import { copyFailure, failureOfAnswer, lacksBlob } from './copy-failures.ts';
import type { CopyMemory } from './copy-memory.ts';
import type { Descriptor, Manifest } from './image-manifest.ts';
import type { ImageTree } from './image-tree.ts';
import { inLanes } from './lanes.ts';
import type { RemoteRepository } from './remote-repository.ts';
import type { SourceReader } from './source-image.ts';

/** One image on its way to one repository. */
export interface ImagePushOptions {
  readonly memory: CopyMemory;
  readonly source: RemoteRepository;
  readonly target: RemoteRepository;
  readonly reader: SourceReader;
  readonly images: ImageTree;
  /** What the last of the manifests is called there. */
  readonly tag: string;
  /** Nothing stands under the tag: most likely nothing of it is there. */
  readonly isNew: boolean;
  readonly onProgress: (progress: CopyProgress) => void;
}

/** Blobs, and manifests, on their way at once: enough that one slow one holds up little. */
const LANES = 4;

/** Brings blobs, then manifests, children before parents, only the last one under a tag (rule 6). */
export class ImagePush {
  readonly #options: ImagePushOptions;
  readonly #signal: AbortSignal;
  readonly #failed = new AbortController();
  #isNew: boolean;
  #bytesTotal = 0;
  #bytesDone = 0;
  #bytesSent = 0;

  /** Sends nothing before it is run. */
  constructor(options: ImagePushOptions, signal: AbortSignal) {
    this.#options = options;
    this.#isNew = options.isNew;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
  }

  /** How many bytes it sent. */
  async run(): Promise<Result<number, CopyFailure>> {
    const { images, reader } = this.#options;
    const blobs = blobsOf(images);
    if (!blobs.ok) return blobs;
    reader.wants(new Set(blobs.value.map(({ digest }) => digest)));
    this.#bytesTotal = blobs.value.reduce((sum, { size }) => sum + size, 0);
    this.#tell(0);
    const sent = await this.#inLanes(blobs.value, async (blob) => await this.#blob(blob));
    if (!sent.ok) return sent;
    const children = images.slice(0, -1);
    for (const level of levelsOf(children)) {
      const pushed = await this.#inLanes(
        level,
        async (one) => await this.#manifest(one, one.digest),
      );
      if (!pushed.ok) return pushed;
    }
    const top = images.at(-1);
    const tagged = top && (await this.#manifest(top, this.#options.tag));
    return tagged?.ok === false ? tagged : succeed(this.#bytesSent);
  }

  /** What fails ends what goes on beside it. */
  async #inLanes<Item>(
    items: readonly Item[],
    work: (item: Item) => Promise<Result<unknown, CopyFailure>>,
  ): Promise<Result<void, CopyFailure>> {
    return await inLanes(items, LANES, async (item) => {
      const done = await work(item);
      if (!done.ok) this.#failed.abort(new Error('another part of the image failed'));
      return done;
    });
  }

  async #blob(blob: Descriptor, isTrusted = true): Promise<Result<unknown, CopyFailure>> {
    const { memory, target } = this.#options;
    const key = `${target.registry}/${target.rights.path}@${blob.digest}`;
    let told = 0;
    const onBytes = (bytes: number): void => {
      told += bytes;
      this.#bytesSent += bytes;
      this.#tell(bytes);
    };
    const sent = await memory.oneAtATime(key, async (isFirst) => {
      const giveBack = await memory.uploads.take(target.registry, this.#signal);
      try {
        return await this.#upload({ blob, isTrusted, isFirst, onBytes });
      } finally {
        giveBack();
      }
    });
    // What was there is done too; what was sent twice counts once.
    if (sent.ok) this.#tell(blob.size - told);
    return sent;
  }

  async #upload(task: BlobTask): Promise<Result<UploadedBlob, CopyFailure>> {
    const { blob, isTrusted, isFirst, onBytes } = task;
    const { memory, target, reader } = this.#options;
    const { registry } = target;
    const mountFrom = isTrusted ? this.#mountFrom() : undefined;
    const uploaded = await uploadBlob(
      {
        ...{ repository: target, blob, ...memory.bounds },
        read: () => reader.blob(blob),
        isLikelyMissing: this.#isNew && isFirst && !this.#isSameRegistry(),
        ...(mountFrom !== undefined && { mountFrom }),
        inChunks: memory.refuses(registry, 'whole'),
        onBytes,
        onRefused: (what) => memory.learn(registry, what),
      },
      this.#signal,
    );
    if (uploaded.ok && uploaded.value.found) {
      reader.pass(blob);
      this.#isNew = false;
    }
    return uploaded;
  }

  /**
   * Rule 3: from the source where it is on the same registry. Else from the very repository it goes
   * to: the answer says in one request whether it is there already, or where to upload it.
   */
  #mountFrom(): string | undefined {
    const { memory, source, target } = this.#options;
    if (this.#isSameRegistry()) return source.rights.path;
    return memory.refuses(target.registry, 'mount') ? undefined : target.rights.path;
  }

  #isSameRegistry(): boolean {
    const { source, target } = this.#options;
    return source.registry === target.registry && source.rights.path !== target.rights.path;
  }

  async #manifest(manifest: Manifest, name: string): Promise<Result<unknown, CopyFailure>> {
    const first = await this.#putManifest(manifest, name);
    if (first.ok || first.error !== 'lacks-blob') return first as Result<unknown, CopyFailure>;
    // Rule 7: once more all that it names, whatever the registry said that it had.
    const { content } = manifest;
    const blobs = content.kind === 'image' ? content.blobs : [];
    const sent = await this.#inLanes(blobs, async (blob) => await this.#blob(blob, false));
    if (!sent.ok) return sent;
    const second = await this.#putManifest(manifest, name);
    if (second.ok || second.error !== 'lacks-blob') return second as Result<unknown, CopyFailure>;
    const { text } = this.#options.target.asked('PUT', name, 'manifest');
    const message = `${text}: the mirror says that it lacks blobs which it was sent`;
    return fail(copyFailure('target', 'blob-unknown', message));
  }

  async #putManifest(
    manifest: Manifest,
    name: string,
  ): Promise<Result<unknown, CopyFailure | 'lacks-blob'>> {
    const { target } = this.#options;
    const { bytes, mediaType } = manifest;
    const sent = await target.send(
      {
        method: 'PUT',
        target: `manifests/${name}`,
        headers: { 'content-type': mediaType },
        body: bytes,
      },
      this.#signal,
    );
    if (!sent.ok) return sent;
    if (sent.value.status >= 200 && sent.value.status < 300) {
      this.#bytesSent += bytes.length;
      return sent;
    }
    if (lacksBlob(sent.value)) return fail('lacks-blob');
    return fail(failureOfAnswer(sent.value, target.asked('PUT', name, 'manifest')));
  }

  #tell(bytes: number): void {
    this.#bytesDone += bytes;
    const { bytesDone, bytesTotal } = { bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal };
    this.#options.onProgress({ bytesDone: Math.min(bytesDone, bytesTotal), bytesTotal });
  }
}

interface BlobTask {
  readonly blob: Descriptor;
  /** What the registry says that it has is believed. */
  readonly isTrusted: boolean;
  /** No other copy has just brought it there, or tried to. */
  readonly isFirst: boolean;
  readonly onBytes: (bytes: number) => void;
}

/** Each blob once, whatever number of layers and images it is in. */
function blobsOf(images: ImageTree): Result<readonly Descriptor[], CopyFailure> {
  const blobs = new Map<string, Descriptor>();
  for (const { content } of images) {
    for (const blob of content.kind === 'image' ? content.blobs : []) {
      const known = blobs.get(blob.digest);
      if (known !== undefined && known.size !== blob.size) {
        const message = `${blob.digest}: expected one size, got ${known.size} and ${blob.size}`;
        return fail(copyFailure('source', 'corrupt', message));
      }
      blobs.set(blob.digest, blob);
    }
  }
  return succeed([...blobs.values()]);
}

/** Images first, then the indexes of them, each after all that it may name. */
function levelsOf(children: ImageTree): readonly ImageTree[] {
  const images = children.filter(({ content }) => content.kind === 'image');
  const indexes = children.filter(({ content }) => content.kind === 'index');
  return [images, ...indexes.map((index) => [index])];
}
