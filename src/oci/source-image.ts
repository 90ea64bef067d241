import { setTimeout as delay } from 'node:timers/promises';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result } from '#core/result.ts';
import type { BlobReader } from './blob-reader.ts';
import { BlobSource } from './blob-source.ts';
import { copyFailure, failureOfAnswer } from './copy-failures.ts';
import type { TransferBounds } from './copy-memory.ts';
import type { TransportAnswer } from './exchange.ts';
import {
  algorithmOf,
  type Descriptor,
  digestOf,
  type Manifest,
  readManifest,
} from './image-manifest.ts';
import { MANIFEST_BYTES_MAX, MANIFEST_TYPES } from './manifests.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { SharedBlob } from './shared-blob.ts';
import type { Slots } from './slots.ts';

/** A manifest to read: of a descriptor its size is known too. */
export type WantedManifest = Pick<Descriptor, 'digest'> & { readonly size?: number };

/** One image of a source, as one of those who copy it now sees it. */
export interface SourceReader {
  readonly manifest: (wanted: WantedManifest) => Promise<Result<Manifest, CopyFailure>>;
  /** Reads a blob, together with the others who want it and are not past its beginning. */
  readonly blob: (blob: Descriptor) => BlobReader;
  /** What it wants, as soon as it knows: for other blobs the others need not wait for it. */
  readonly wants: (digests: ReadonlySet<string>) => void;
  /** It does not want this blob after all. */
  readonly pass: (blob: Descriptor) => void;
  /** It wants nothing more. */
  readonly leave: () => void;
}

/** How one image of a source is read. */
export interface SourceImageOptions {
  readonly bounds: Required<TransferBounds>;
  /** Blobs that are read from a registry at once. */
  readonly reads: Slots;
  /** Nobody reads it any more. */
  readonly onEnd: () => void;
}

/** What is held for those who are behind; above it nothing more is read for them. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** How long the first blocks of blobs are kept for those who begin a moment later. */
const OPEN_MS = 50;

/** One image of a source, for all who copy it at the same time; each was let in by itself. */
export class SourceImage {
  readonly #options: SourceImageOptions;
  readonly #readers = new Set<Member>();
  readonly #blobs = new Map<string, SharedBlob>();
  readonly #manifests = new Map<string, Promise<Result<Manifest, CopyFailure>>>();
  readonly #abort = new AbortController();
  #isOpen = true;

  /** Reads nothing by itself. */
  constructor(options: SourceImageOptions) {
    this.#options = options;
    void delay(OPEN_MS, undefined, { signal: this.#abort.signal, ref: false }).then(
      () => this.#close(),
      () => undefined,
    );
  }

  /** One more who copies it, with what itself may read. */
  join(repository: RemoteRepository): SourceReader {
    const member = new Member(repository);
    this.#readers.add(member);
    return {
      manifest: async (wanted) => await this.#manifest(repository, wanted),
      blob: (blob) => this.#blob(member, blob),
      wants: (digests) => member.want(digests),
      pass: ({ digest }) => member.pass(digest),
      leave: () => this.#leave(member),
    };
  }

  async #manifest(
    repository: RemoteRepository,
    wanted: WantedManifest,
  ): Promise<Result<Manifest, CopyFailure>> {
    const known = this.#manifests.get(wanted.digest);
    if (known !== undefined) return await known;
    const reading = readSourceManifest(repository, wanted, this.#abort.signal);
    this.#manifests.set(wanted.digest, reading);
    return await reading;
  }

  /** All who are there have their place in it from the beginning, unless they want none. */
  #blob(member: Member, blob: Descriptor): BlobReader {
    const reserved = member.take(blob.digest);
    if (reserved !== undefined && !reserved.wasLetGo) return reserved;
    const reader = this.#blobs.get(blob.digest)?.join() ?? this.#read(member, blob);
    member.given.add(reader);
    return reader;
  }

  /** A read for all who are there. */
  #read(member: Member, blob: Descriptor): BlobReader {
    const { reads, bounds } = this.#options;
    const { idleMs, patienceMs } = bounds;
    const { repository } = member;
    const shared = new SharedBlob({
      ...{ blob, patienceMs },
      isOpen: () => this.#isOpen,
      open: (position, signal) =>
        new BlobSource({ repository, reads, blob, position, idleMs }, signal),
    });
    // Only the first reads for all: a second time means that this one was too late, or sends again.
    const others = this.#blobs.has(blob.digest) ? [] : [...this.#readers];
    this.#blobs.set(blob.digest, shared);
    for (const other of this.#holdsTooMuch() ? [] : others) {
      if (other !== member && other.mayWant(blob.digest)) other.keep(blob.digest, shared.join());
    }
    return shared.join() as BlobReader;
  }

  /** Small blobs are read to their end however far behind the others are. */
  #holdsTooMuch(): boolean {
    let bytes = 0;
    for (const blob of this.#blobs.values()) bytes += blob.heldBytes;
    return bytes > HELD_BYTES_MAX;
  }

  #leave(member: Member): void {
    if (!this.#readers.delete(member)) return;
    member.close();
    if (this.#readers.size > 0) return;
    this.#close();
    this.#abort.abort(new Error('nobody reads this image any more'));
    this.#options.onEnd();
  }

  #close(): void {
    this.#isOpen = false;
    for (const blob of this.#blobs.values()) blob.trim();
  }
}

/** One of those who copy an image. */
class Member {
  readonly repository: RemoteRepository;
  #wanted: ReadonlySet<string> | undefined;
  readonly #passed = new Set<string>();
  readonly #reserved = new Map<string, BlobReader>();
  /** What it reads, or may yet. */
  readonly given = new Set<BlobReader>();

  constructor(repository: RemoteRepository) {
    this.repository = repository;
  }

  mayWant(digest: string): boolean {
    // Who held up the others once gets no second chance to.
    if ([...this.given].some(({ wasLetGo }) => wasLetGo)) return false;
    return !this.#passed.has(digest) && (this.#wanted?.has(digest) ?? true);
  }

  want(digests: ReadonlySet<string>): void {
    this.#wanted = digests;
    for (const digest of this.#reserved.keys()) {
      if (!digests.has(digest)) this.take(digest)?.close();
    }
  }

  pass(digest: string): void {
    this.#passed.add(digest);
    this.take(digest)?.close();
  }

  keep(digest: string, reader: BlobReader | undefined): void {
    if (reader === undefined) return;
    this.#reserved.set(digest, reader);
    this.given.add(reader);
  }

  take(digest: string): BlobReader | undefined {
    const reader = this.#reserved.get(digest);
    this.#reserved.delete(digest);
    return reader;
  }

  close(): void {
    for (const reader of this.#reserved.values()) reader.close();
    this.#reserved.clear();
  }
}

/** One manifest by its digest, its bytes compared with it. */
export async function readSourceManifest(
  repository: RemoteRepository,
  { digest, size }: WantedManifest,
  signal: AbortSignal,
): Promise<Result<Manifest, CopyFailure>> {
  const text = `GET ${repository.name}@${digest}`;
  const { side } = repository.rights;
  const algorithm = algorithmOf(digest);
  if (algorithm === undefined) {
    return fail(copyFailure(side, 'out-of-bounds', `${text}: expected a digest that is known`));
  }
  if (size !== undefined && size > MANIFEST_BYTES_MAX) return fail(tooLarge(repository, digest));
  const got = await getManifest(repository, digest, signal);
  if (!got.ok) return got;
  const { body, headers } = got.value;
  // Before anything is said of what it contains: other bytes heal with time, a wrong kind does not.
  const came = digestOf(body, algorithm);
  if (came !== digest || (size !== undefined && size !== body.length)) {
    const got = `${came} of ${body.length} bytes`;
    return fail(copyFailure(side, 'corrupt', `${text}: expected these bytes, got ${got}`));
  }
  const read = readManifest(body, { mediaType: headers['content-type'], algorithm });
  return read.ok ? read : fail(copyFailure(side, 'out-of-bounds', `${text}: ${read.error}`));
}

/** The answer to a GET of a manifest by tag or digest, its body whole. */
export async function getManifest(
  repository: RemoteRepository,
  reference: string,
  signal: AbortSignal,
): Promise<Result<TransportAnswer, CopyFailure>> {
  const sent = await repository.send(
    {
      method: 'GET',
      target: `manifests/${reference}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      bodyBytesMax: MANIFEST_BYTES_MAX,
    },
    signal,
  );
  if (!sent.ok) return sent;
  if (sent.value.status !== 200) {
    return fail(failureOfAnswer(sent.value, repository.asked('GET', reference)));
  }
  return sent.value.complete ? sent : fail(tooLarge(repository, reference));
}

function tooLarge(repository: RemoteRepository, reference: string): CopyFailure {
  const { side, text } = repository.asked('GET', reference);
  const message = `${text}: expected a manifest of at most ${MANIFEST_BYTES_MAX} bytes, got more`;
  return copyFailure(side, 'out-of-bounds', message);
}
