import { BoundedMap } from '#core/bounded-map.ts';
import { credentialContent } from '#core/credentials.ts';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result } from '#core/result.ts';
import { copyFailure } from './copy-failures.ts';
import { TRANSFERS_MAX } from './dispatchers.ts';
import { headManifest, type ManifestHead } from './head-manifest.ts';
import { JointCalls } from './joint-calls.ts';
import {
  type RemoteOptions,
  RemoteRepository,
  type RepositoryRights,
} from './remote-repository.ts';
import { Slots } from './slots.ts';
import { SourceImage, type SourceReader } from './source-image.ts';

/** Registries whose ways are remembered; mirrors are few. */
const REGISTRIES_MAX = 512;
const usual: Required<TransferBounds> = {
  idleMs: 60_000,
  patienceMs: 5_000,
  chunkBytes: 32 * 1024 * 1024,
};

/** What a transfer is held to; each has its usual value unless told. */
export interface TransferBounds {
  /** Rule 19 of copying: a body without progress for so long is dead. */
  readonly idleMs?: number;
  /** How long one mirror that is a window behind may hold up the others. */
  readonly patienceMs?: number;
  /** Rule 2: below the 100 MB of Cloudflare, and few requests a layer. */
  readonly chunkBytes?: number;
}

/** What all copies of a process share: reads of sources, uploads in flight, ways of registries. */
export class CopyMemory {
  readonly bounds: Required<TransferBounds>;
  /** By registry. Whoever takes one of both takes that of its upload first. */
  readonly uploads = new Slots(TRANSFERS_MAX);
  readonly #reads = new Slots(TRANSFERS_MAX);
  readonly #options: RemoteOptions;
  readonly #heads = new JointCalls<Result<ManifestHead | undefined, CopyFailure>>();
  readonly #images = new Map<string, SourceImage>();
  readonly #flights = new Map<string, Promise<unknown>>();
  readonly #refused = new BoundedMap<string, ReadonlySet<'mount' | 'whole'>>(REGISTRIES_MAX);

  /** Remembers nothing across processes. */
  constructor(options: RemoteOptions, bounds: TransferBounds = {}) {
    this.#options = options;
    this.bounds = { ...usual, ...bounds };
  }

  /** A repository with the given rights. */
  repository(rights: RepositoryRights): RemoteRepository {
    return new RemoteRepository(this.#options, rights);
  }

  /** What a source has under a tag or digest; one request for all who ask it with the same rights. */
  async headSource(
    repository: RemoteRepository,
    reference: string,
    signal: AbortSignal,
  ): Promise<Result<ManifestHead | undefined, CopyFailure>> {
    const { credentials, share } = repository.rights;
    const key = JSON.stringify([
      repository.registry,
      repository.rights.path,
      reference,
      share ?? null,
      credentials.map(credentialContent),
    ]);
    try {
      const head = async (joint: AbortSignal) => await headManifest(repository, reference, joint);
      return await this.#heads.run(key, head, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return fail(copyFailure('source', 'unreachable', `${repository.name}: called off`));
    }
  }

  /** Reads an image together with all who copy it now. Only for who was let in for that digest. */
  read(repository: RemoteRepository, digest: string): SourceReader {
    const key = `${repository.registry}/${repository.rights.path}@${digest}`;
    let image = this.#images.get(key);
    if (image === undefined) {
      const opened = new SourceImage({
        ...{ bounds: this.bounds, reads: this.#reads },
        onEnd: () => {
          if (this.#images.get(key) === opened) this.#images.delete(key);
        },
      });
      image = opened;
      this.#images.set(key, image);
    }
    return image.join(repository);
  }

  /** Rule 8 of copying: one upload of a blob to a repository; the others wait for what comes of it. */
  async oneAtATime<T>(key: string, upload: (isFirst: boolean) => Promise<T>): Promise<T> {
    let isFirst = true;
    for (let other = this.#flights.get(key); other !== undefined; other = this.#flights.get(key)) {
      isFirst = false;
      await other;
    }
    const running = upload(isFirst);
    const ended = running.then(
      () => undefined,
      () => undefined,
    );
    this.#flights.set(key, ended);
    try {
      return await running;
    } finally {
      this.#flights.delete(key);
    }
  }

  /** What a registry turned out not to take. */
  refuses(registry: string, what: 'mount' | 'whole'): boolean {
    return this.#refused.get(registry)?.has(what) === true;
  }

  /** It turned out not to take it. */
  learn(registry: string, what: 'mount' | 'whole'): void {
    this.#refused.set(registry, new Set([...(this.#refused.get(registry) ?? []), what]));
  }
}
