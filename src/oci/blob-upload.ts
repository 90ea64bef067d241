import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type Asked, copyFailure, failureOfAnswer } from './copy-failures.ts';
import type { TransportAnswer } from './exchange.ts';
import type { Descriptor } from './image-manifest.ts';
import type { RemoteRepository, RepositoryAnswer, UploadTarget } from './remote-repository.ts';
import type { BlobReader } from './shared-blob.ts';
import { stalledFailure, UploadBody, UploadBytes } from './upload-body.ts';
import { resolveLocation, withQuery } from './upload-location.ts';

/** One blob on its way to one repository. */
export interface BlobUploadOptions {
  readonly repository: RemoteRepository;
  readonly blob: Descriptor;
  /** Begins to read it from its first byte, once for each time that it is sent. */
  readonly read: () => BlobReader;
  /** It is hardly there: its source is asked before the registry has answered. */
  readonly isLikelyMissing: boolean;
  /** Where it may be mounted from: another repository of the registry, or the same one. */
  readonly mountFrom?: string;
  /** The registry takes a blob in pieces only. */
  readonly inChunks: boolean;
  /** A body without progress for so long is dead. */
  readonly idleMs: number;
  readonly onBytes: (bytes: number) => void;
  /** Told what the registry turned out not to take. */
  readonly onRefused: (what: 'mount' | 'whole') => void;
}

/** The registry has the blob; `found` where nothing was sent. */
export interface UploadedBlob {
  readonly found: boolean;
}

/** What one try to send a blob came to. */
type Attempt = Result<UploadedBlob, CopyFailure> | { readonly ok: 'again' };

/** Statuses that say that bytes were taken: registries differ in which (rule 1 of copying). */
const TAKEN: ReadonlySet<number> = new Set([200, 201, 202, 204]);
/** Below the 100 MB of Cloudflare, and few requests a layer (rule 2). */
const CHUNK_BYTES = 32 * 1024 * 1024;
/** An upload that is left may cost no more than this (rule 15). */
const CANCEL_MS_MAX = 2_000;
/** In one piece, with a new token, in chunks. */
const ATTEMPTS_MAX = 3;

/** Brings one blob to a registry (distribution spec, "Pushing blobs"). */
export async function uploadBlob(
  options: BlobUploadOptions,
  signal: AbortSignal,
): Promise<Result<UploadedBlob, CopyFailure>> {
  const upload = new BlobUpload(options, signal);
  for (let attempts = 1; ; attempts += 1) {
    const attempt = await upload.attempt(attempts === ATTEMPTS_MAX);
    if (attempt.ok !== 'again') return attempt;
  }
}

class BlobUpload {
  readonly #options: BlobUploadOptions;
  readonly #signal: AbortSignal;
  #mountFrom: string | undefined;
  #inChunks: boolean;

  constructor(options: BlobUploadOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#mountFrom = options.mountFrom;
    this.#inChunks = options.inChunks;
  }

  /** Sends it once; the last attempt says in any case what came of it. */
  async attempt(isLast: boolean): Promise<Attempt> {
    const { isLikelyMissing, read } = this.#options;
    let bytes: UploadBytes | undefined;
    if (isLikelyMissing) {
      bytes = new UploadBytes(read());
      bytes.begin();
    }
    try {
      // 1. POST, with a mount where there may be something to mount.
      const begun = await this.#begin();
      if (!begun.ok) return begun;
      if (begun.value.status === 201) return succeed({ found: true });
      const location = resolveLocation(begun.value);
      if (!location.ok) return fail(this.#broken(location.error));
      bytes ??= new UploadBytes(read());
      // 2. One PUT; pieces only where the registry has refused that.
      const sent = this.#inChunks
        ? await this.#sendChunks(bytes, location.value, chunkBytes(begun.value))
        : await this.#sendWhole(bytes, location.value);
      if (sent.ok === true) return sent;
      this.#cancel(location.value);
      return sent.ok === 'again' && isLast ? fail(this.#broken('refused it again')) : sent;
    } finally {
      bytes?.close();
    }
  }

  async #begin(): Promise<RepositoryAnswer> {
    const mountFrom = this.#mountFrom;
    if (mountFrom !== undefined) {
      const { digest } = this.#options.blob;
      const query = new URLSearchParams({ mount: digest, from: mountFrom });
      const { path } = this.#options.repository.rights;
      const mounted = await this.#options.repository.send(
        {
          method: 'POST',
          target: `blobs/uploads/?${query}`,
          ...(mountFrom !== path && { mountFrom }),
        },
        this.#signal,
      );
      // 201 has it, 202 is an upload; 429 is not asked again; rule 3: all else is asked without.
      const status = mounted.ok ? mounted.value.status : undefined;
      if (status === 201 || status === 202 || this.#signal.aborted) return mounted;
      if (status === 429) return this.#refused(mounted, 'POST', 'upload');
      this.#mountFrom = undefined;
      if (mounted.ok && mountFrom === path) this.#options.onRefused('mount');
    }
    const begun = await this.#options.repository.send(
      { method: 'POST', target: 'blobs/uploads/' },
      this.#signal,
    );
    if (begun.ok && begun.value.status === 202) return begun;
    return this.#refused(begun, 'POST', 'upload');
  }

  async #sendWhole(bytes: UploadBytes, location: UploadTarget): Promise<Attempt> {
    const { blob } = this.#options;
    const sent = await this.#send('PUT', { bytes, size: blob.size, location });
    if (!sent.ok) return await this.#afterReset(sent.error);
    const { status } = sent.value;
    if (TAKEN.has(status)) return succeed({ found: false });
    if (status === 413) {
      this.#inChunks = true;
      this.#options.onRefused('whole');
      return { ok: 'again' };
    }
    // Its token was renewed meanwhile (rule 4).
    return status === 401 ? { ok: 'again' } : this.#refused(sent, 'PUT', 'bytes');
  }

  /** Rule 2 of copying. */
  async #sendChunks(bytes: UploadBytes, begin: UploadTarget, chunk: number): Promise<Attempt> {
    const { blob } = this.#options;
    let location = begin;
    for (let from = 0; from < blob.size; from += chunk) {
      const size = Math.min(chunk, blob.size - from);
      const range = `${from}-${from + size - 1}`;
      const sent = await this.#send('PATCH', { bytes, size, location, range });
      if (!sent.ok) return sent;
      if (sent.value.status === 401) return { ok: 'again' };
      if (!TAKEN.has(sent.value.status)) return this.#refused(sent, 'PATCH', 'bytes');
      const kept = keptBytes(sent.value);
      if (kept !== undefined && kept !== from + size) {
        return fail(this.#lost(`${from + size} bytes kept`, String(kept)));
      }
      const next = resolveLocation(sent.value);
      if (next.ok) location = next.value;
    }
    const ended = await this.#send('PUT', { bytes, size: 0, location });
    if (!ended.ok) return await this.#afterReset(ended.error);
    if (!TAKEN.has(ended.value.status)) return this.#refused(ended, 'PUT', 'bytes');
    // Rule 1: registries have said yes and kept the first chunk alone.
    const kept = await this.#head();
    const length = kept.ok ? kept.value.headers['content-length'] : undefined;
    if (length !== undefined && kept.ok && kept.value.status === 200) {
      if (Number(length) !== blob.size) return fail(this.#lost(`${blob.size} bytes kept`, length));
    }
    return succeed({ found: false });
  }

  async #send(method: 'PUT' | 'PATCH', part: Part): Promise<RepositoryAnswer> {
    const { repository, blob, idleMs, onBytes } = this.#options;
    const { bytes, size, location, range } = part;
    // An empty blob is compared with its digest too.
    const isEmpty = blob.size === 0 && (await bytes.take(1)) === undefined;
    if (isEmpty && bytes.failure !== undefined) return fail(bytes.failure);
    const body = new UploadBody({ source: bytes, bytes: size, idleMs, onBytes });
    const target = method === 'PUT' ? withQuery(location, 'digest', blob.digest) : location;
    const sent = await repository.send(
      {
        method,
        target,
        headers: {
          'content-type': 'application/octet-stream',
          ...(range !== undefined && { 'content-range': range }),
        },
        ...(size > 0 && { body }),
      },
      AbortSignal.any([this.#signal, body.stalled]),
    );
    if (sent.ok && TAKEN.has(sent.value.status)) return sent;
    if (bytes.failure !== undefined) return fail(bytes.failure);
    if (body.stalled.aborted) return fail(stalledFailure(repository.name, idleMs));
    // Whoever takes a connection and bytes was heard (rule 19).
    return sent.ok || !body.isSpent ? sent : fail(heard(sent.error));
  }

  /** undici may lose an answer that came early: the blob itself is asked for, once. */
  async #afterReset(failure: CopyFailure): Promise<Attempt> {
    if (this.#signal.aborted || failure.side === 'source' || failure.silent) return fail(failure);
    const answer = await this.#head();
    return answer.ok && answer.value.status === 200 ? succeed({ found: false }) : fail(failure);
  }

  async #head(): Promise<RepositoryAnswer> {
    const { repository, blob } = this.#options;
    const target = `blobs/${blob.digest}`;
    return await repository.send({ method: 'HEAD', target }, this.#signal);
  }

  /** In the background: nobody waits for what is of no use any more. */
  #cancel(location: UploadTarget): void {
    const within = AbortSignal.timeout(CANCEL_MS_MAX);
    void this.#options.repository.send({ method: 'DELETE', target: location }, within);
  }

  #refused(
    answer: Result<TransportAnswer, CopyFailure>,
    method: string,
    what: Asked['what'],
  ): { readonly ok: false; readonly error: CopyFailure } {
    if (!answer.ok) return answer;
    const { repository, blob } = this.#options;
    const text = `${method} ${repository.name}@${blob.digest}`;
    const { nowMs } = repository;
    const asked = { side: 'target', text, what, expected: 'an upload', nowMs } as const;
    return fail(failureOfAnswer(answer.value, asked));
  }

  #lost(expected: string, got: string): CopyFailure {
    const { repository, blob } = this.#options;
    const message = `${repository.name}@${blob.digest}: expected ${expected}, got ${got}`;
    return copyFailure('target', 'corrupt', message);
  }

  #broken(what: string): CopyFailure {
    const { repository, blob } = this.#options;
    return copyFailure('target', 'unreachable', `${repository.name}@${blob.digest}: ${what}`);
  }
}

interface Part {
  readonly bytes: UploadBytes;
  readonly size: number;
  readonly location: UploadTarget;
  /** `0-99`, of a chunk. */
  readonly range?: string;
}

function chunkBytes({ headers }: TransportAnswer): number {
  const least = Number([headers['oci-chunk-min-length'] ?? []].flat()[0]);
  return Number.isSafeInteger(least) ? Math.max(least, CHUNK_BYTES) : CHUNK_BYTES;
}

/** `Range: 0-99`, what a registry has of an upload. */
function keptBytes({ headers }: TransportAnswer): number | undefined {
  const range = [headers['range'] ?? []].flat()[0] ?? '';
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(range) ?? [];
  return last === undefined ? undefined : Number(last) + 1;
}

function heard({ silent: _, ...failure }: CopyFailure): CopyFailure {
  return failure;
}
