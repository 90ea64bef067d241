import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { beginUpload } from './begin-upload.ts';
import type { BlobReader } from './blob-reader.ts';
import { copyFailure, failureOfAnswer } from './copy-failures.ts';
import type { TransportAnswer } from './exchange.ts';
import type { Descriptor } from './image-manifest.ts';
import type { RemoteRepository, RepositoryAnswer, UploadTarget } from './remote-repository.ts';
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
  /** Of a blob that is sent in pieces. */
  readonly chunkBytes: number;
  readonly onBytes: (bytes: number) => void;
  /** Told what the registry turned out not to take. */
  readonly onRefused: (what: 'mount' | 'whole') => void;
}

/** The registry has the blob; `found` where nothing was sent. */
export interface UploadedBlob {
  readonly found: boolean;
}

/** What one try to send a blob came to: also that a token was renewed, or that it is too large. */
type Attempt = Result<UploadedBlob, CopyFailure | 'again' | 'in-chunks'>;

/** Statuses that say that bytes were taken: registries differ in which (rule 1 of copying). */
const TAKEN: ReadonlySet<number> = new Set([200, 201, 202, 204]);
/** An upload that is left may cost no more than this (rule 15). */
const CANCEL_MS_MAX = 2_000;
/** In one piece, with a new token, in chunks. */
const ATTEMPTS_MAX = 3;

/** Brings one blob to a registry (distribution spec, "Pushing blobs"). */
export async function uploadBlob(
  options: BlobUploadOptions,
  signal: AbortSignal,
): Promise<Result<UploadedBlob, CopyFailure>> {
  let { inChunks } = options;
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
    const attempt = await new BlobUpload({ ...options, inChunks }, signal).run();
    if (attempt.ok) return attempt;
    if (typeof attempt.error !== 'string') return fail(attempt.error);
    if (attempt.error === 'in-chunks') options.onRefused('whole');
    inChunks ||= attempt.error === 'in-chunks';
  }
  const message = `${options.repository.name}@${options.blob.digest}: the registry asks for it anew`;
  return fail(copyFailure('target', 'denied', message));
}

class BlobUpload {
  readonly #options: BlobUploadOptions;
  readonly #signal: AbortSignal;
  #bytes: UploadBytes | undefined;

  constructor(options: BlobUploadOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<Attempt> {
    const { repository, blob, isLikelyMissing, mountFrom, onRefused, inChunks, chunkBytes } =
      this.#options;
    if (isLikelyMissing) this.#source().begin();
    try {
      // 1. POST, with a mount where there may be something to mount.
      const begun = await beginUpload(
        { repository, digest: blob.digest, mountFrom, onMountRefused: () => onRefused('mount') },
        this.#signal,
      );
      if (!begun.ok) return begun;
      if (begun.value.kind === 'there') return succeed({ found: true });
      // 2. One PUT; pieces only where the registry has refused that.
      const { location, chunkBytesMin } = begun.value;
      const sent = inChunks
        ? await this.#sendChunks(location, Math.max(chunkBytes, chunkBytesMin))
        : await this.#sendWhole(location);
      if (!sent.ok) this.#cancel(location);
      return sent;
    } finally {
      this.#bytes?.close();
    }
  }

  async #sendWhole(location: UploadTarget): Promise<Attempt> {
    const sent = await this.#send('PUT', { size: this.#options.blob.size, location });
    if (!sent.ok) return await this.#afterReset(sent.error);
    return sent.value.status === 413 ? fail('in-chunks') : this.#taken('PUT', sent.value);
  }

  /** Rule 2 of copying. */
  async #sendChunks(begin: UploadTarget, chunk: number): Promise<Attempt> {
    const { blob } = this.#options;
    let location = begin;
    for (let from = 0; from < blob.size; from += chunk) {
      const size = Math.min(chunk, blob.size - from);
      const sent = await this.#sendChunk({ size, location, from });
      if (!sent.ok) return sent;
      location = sent.value;
    }
    const ended = await this.#send('PUT', { size: 0, location });
    if (!ended.ok) return await this.#afterReset(ended.error);
    const taken = this.#taken('PUT', ended.value);
    return taken.ok ? await this.#compareSize() : taken;
  }

  /** Gives where the next one goes. */
  async #sendChunk(
    part: Part & { readonly from: number },
  ): Promise<Result<UploadTarget, CopyFailure | 'again' | 'in-chunks'>> {
    const end = part.from + part.size;
    const sent = await this.#send('PATCH', { ...part, range: `${part.from}-${end - 1}` });
    if (!sent.ok) return sent;
    const taken = this.#taken('PATCH', sent.value);
    if (!taken.ok) return taken;
    const kept = keptBytes(sent.value);
    if (kept !== undefined && kept !== end) return fail(this.#lost(end, kept));
    const next = resolveLocation(sent.value);
    return succeed(next.ok ? next.value : part.location);
  }

  /** Rule 1: registries have said yes and kept the first chunk alone. */
  async #compareSize(): Promise<Attempt> {
    const { blob } = this.#options;
    const head = await this.#head();
    const length = head.ok && head.value.status === 200 && head.value.headers['content-length'];
    const isLost = typeof length === 'string' && Number(length) !== blob.size;
    return isLost ? fail(this.#lost(blob.size, Number(length))) : succeed({ found: false });
  }

  async #send(method: 'PUT' | 'PATCH', part: Part): Promise<RepositoryAnswer> {
    const { repository, blob, idleMs, onBytes } = this.#options;
    const { size, location, range } = part;
    const source = this.#source();
    // An empty blob is compared with its digest too.
    if (blob.size === 0) await source.take(1);
    if (source.failure !== undefined) return fail(source.failure);
    const body = new UploadBody({ source, bytes: size, idleMs, onBytes });
    const sent = await repository.send(
      {
        method,
        target: method === 'PUT' ? withQuery(location, 'digest', blob.digest) : location,
        headers: {
          'content-type': 'application/octet-stream',
          ...(range !== undefined && { 'content-range': range }),
        },
        ...(size > 0 && { body }),
      },
      AbortSignal.any([this.#signal, body.stalled]),
    );
    if (sent.ok && TAKEN.has(sent.value.status)) return sent;
    const meant = this.#meaning(sent, source, body);
    // Whoever takes a connection and bytes was heard (rule 19), and so was who sent us elsewhere.
    const wasHeard = body.isSpent || location.kind === 'elsewhere';
    return meant.ok || !wasHeard ? meant : fail(heard(meant.error));
  }

  /** Whose fault it is that a body was not taken. */
  #meaning(sent: RepositoryAnswer, source: UploadBytes, body: UploadBody): RepositoryAnswer {
    const { repository, idleMs } = this.#options;
    if (source.failure !== undefined) return fail(source.failure);
    return body.stalled.aborted ? fail(stalledFailure(repository.name, idleMs)) : sent;
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

  #source(): UploadBytes {
    this.#bytes ??= new UploadBytes(this.#options.read());
    return this.#bytes;
  }

  #taken(method: string, answer: TransportAnswer): Attempt {
    if (TAKEN.has(answer.status)) return succeed({ found: false });
    // Its token was renewed meanwhile (rule 4).
    if (answer.status === 401) return fail('again');
    const { repository, blob } = this.#options;
    return fail(failureOfAnswer(answer, repository.asked(method, blob.digest, 'bytes')));
  }

  #lost(sent: number, kept: number): CopyFailure {
    const { repository, blob } = this.#options;
    const message = `${repository.name}@${blob.digest}: expected ${sent} bytes kept, got ${kept}`;
    return copyFailure('target', 'corrupt', message);
  }
}

interface Part {
  readonly size: number;
  readonly location: UploadTarget;
  /** `0-99`, of a chunk. */
  readonly range?: string;
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
