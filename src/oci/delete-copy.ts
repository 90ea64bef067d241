import { randomUUID } from 'node:crypto';
import { BoundedMap } from '#core/bounded-map.ts';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { failureOfAnswer } from './copy-failures.ts';
import type { TransportAnswer } from './exchange.ts';
import { headManifest } from './head-manifest.ts';
import { digestOf } from './image-manifest.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { getManifest } from './source-image.ts';
import { uploadBytes } from './upload-bytes.ts';

/** What came of deleting one copy. */
export type CopyDeletion =
  | { readonly kind: 'deleted' }
  /** It was not there any more. */
  | { readonly kind: 'absent' }
  /** Something else stands there: not ours to delete. */
  | { readonly kind: 'changed'; readonly digest: string }
  /** This registry deletes nothing for us; the copy was not touched. */
  | { readonly kind: 'refused'; readonly message: string }
  | CopyFailure;

/** One copy: what stands under a tag as long as it has the recorded digest. */
export interface RecordedCopy {
  readonly tag: string;
  readonly digest: string;
  readonly removal: RemovalBounds;
}

/** What takes the copy away is bound by more than what looks at it, or tidies up after it. */
export interface RemovalBounds {
  /** Asked right before each such request. */
  readonly mayBegin: () => boolean;
  /** Aborts one that has no answer yet. */
  readonly signal: AbortSignal;
}

/** What a registry can, as far as its answers have told (rule 16 of copying). */
interface Ways {
  readonly deletesTags?: boolean;
  readonly deletesDigests?: boolean;
  /** The rights that its token service gave. */
  readonly actions?: string;
}

/** Registries whose ways are remembered; mirrors are few. */
const REGISTRIES_MAX = 512;
/** Rights to ask for where a challenge names none, or the one before was not enough. */
const ACTIONS = ['delete', 'pull,push,delete', '*'];
/** What registries say that do not delete tags; ECR says 404. */
const UNSUPPORTED: ReadonlySet<number> = new Set([400, 404, 405, 501]);
const DONE: ReadonlySet<number> = new Set([200, 202, 204]);

/** Deletes copies, never another tag's manifest (section 4 of copying). */
export class CopyDeletions {
  readonly #ways = new BoundedMap<string, Ways>(REGISTRIES_MAX);

  /** By tag; where a registry can't, a manifest of our own takes its place, and that one goes. */
  async delete(
    repository: RemoteRepository,
    copy: RecordedCopy,
    signal: AbortSignal,
  ): Promise<CopyDeletion> {
    const deletion = new Deletion({ repository, copy, ways: this.#waysOf(repository), signal });
    return await deletion.run();
  }

  #waysOf({ registry }: RemoteRepository) {
    return {
      read: (): Ways => this.#ways.get(registry) ?? {},
      learn: (ways: Ways): void =>
        this.#ways.set(registry, { ...this.#ways.get(registry), ...ways }),
    };
  }
}

interface DeletionOptions {
  readonly repository: RemoteRepository;
  readonly copy: RecordedCopy;
  readonly ways: { readonly read: () => Ways; readonly learn: (ways: Ways) => void };
  readonly signal: AbortSignal;
}

class Deletion {
  readonly #options: DeletionOptions;

  constructor(options: DeletionOptions) {
    this.#options = options;
  }

  async run(): Promise<CopyDeletion> {
    const { copy, ways } = this.#options;
    const shown = await this.#look(copy.tag);
    if (!shown.ok) return shown.error;
    if (shown.value === undefined) return { kind: 'absent' };
    if (shown.value !== copy.digest) return { kind: 'changed', digest: shown.value };
    // 1. By tag.
    if (ways.read().deletesTags !== false) {
      const done = await this.#byTag();
      if (done !== 'unsupported') return done;
      ways.learn({ deletesTags: false });
    }
    // 2. Whether it deletes anything at all, tried with something that nobody needs.
    const can = await this.#canDeleteDigests();
    if (can !== 'yes') return can;
    // 3. In its place something that no other tag names, and then that.
    return await this.#replaced();
  }

  async #byTag(): Promise<CopyDeletion | 'unsupported'> {
    const { copy } = this.#options;
    if (!copy.removal.mayBegin()) return tooLate;
    const sent = await this.#delete(copy.tag, copy.removal.signal);
    if (!sent.ok) return sent.error;
    const { status } = sent.value;
    if (!DONE.has(status) && !UNSUPPORTED.has(status)) return this.#failure(sent.value, copy.tag);
    const shown = await this.#look(copy.tag);
    if (!shown.ok) return shown.error;
    if (shown.value === undefined) return { kind: DONE.has(status) ? 'deleted' : 'absent' };
    if (shown.value !== copy.digest) return { kind: 'changed', digest: shown.value };
    // It said yes and has it still, or said that it can't.
    return 'unsupported';
  }

  async #canDeleteDigests(): Promise<CopyDeletion | 'yes'> {
    const { repository, ways } = this.#options;
    const known = ways.read().deletesDigests;
    if (known !== undefined) return known ? 'yes' : this.#refused();
    const tag = `kuik-probe-${randomUUID().slice(0, 8)}`;
    const put = await this.#putUnique(tag);
    if (!put.ok) return put.error;
    const gone = await this.#deleteDigest(tag, put.value);
    if (!gone.ok) return gone.error;
    ways.learn({ deletesDigests: gone.value });
    return gone.value ? 'yes' : this.#refused(repository);
  }

  async #replaced(): Promise<CopyDeletion> {
    const { copy, repository, signal, ways } = this.#options;
    const before = await getManifest(repository, copy.digest, signal);
    if (!before.ok) return before.error;
    const shown = await this.#look(copy.tag);
    if (!shown.ok) return shown.error;
    if (shown.value === undefined) return { kind: 'absent' };
    if (shown.value !== copy.digest) return { kind: 'changed', digest: shown.value };
    if (!copy.removal.mayBegin()) return tooLate;
    const put = await this.#putUnique(copy.tag, copy.removal.signal);
    if (!put.ok) return put.error;
    const gone = await this.#deleteDigest(copy.tag, put.value);
    if (!gone.ok) return gone.error;
    if (gone.value) return { kind: 'deleted' };
    // What stands there now is of use to nobody: the copy gets its place back.
    const { body, headers } = before.value;
    await this.#put(copy.tag, { body, mediaType: headers['content-type'] ?? '' });
    ways.learn({ deletesDigests: false });
    return this.#refused();
  }

  /** Whether nothing stands under the tag once that digest is deleted. */
  async #deleteDigest(tag: string, digest: string): Promise<Result<boolean, CopyFailure>> {
    const shown = await this.#look(tag);
    if (!shown.ok) return shown;
    // Somebody else was faster, or the registry has not taken it.
    if (shown.value !== digest) return succeed(shown.value === undefined);
    const sent = await this.#delete(digest);
    if (!sent.ok) return sent;
    const { status } = sent.value;
    if (!DONE.has(status) && !UNSUPPORTED.has(status) && status !== 403) {
      return fail(this.#failure(sent.value, digest));
    }
    const after = await this.#look(tag);
    return after.ok ? succeed(after.value === undefined) : after;
  }

  async #delete(
    reference: string,
    signal = this.#options.signal,
  ): Promise<Result<TransportAnswer, CopyFailure>> {
    const { repository, ways } = this.#options;
    const known = ways.read().actions;
    const tried = known === undefined ? ACTIONS : [known];
    let last: Result<TransportAnswer, CopyFailure> | undefined;
    for (const actions of tried) {
      const target = `manifests/${reference}`;
      last = await repository.send({ method: 'DELETE', target, actions }, signal);
      const isRefused = last.ok
        ? last.value.status === 401 || last.value.status === 403
        : last.error.reason === 'denied';
      if (!isRefused) {
        ways.learn({ actions });
        return last;
      }
    }
    return last as Result<TransportAnswer, CopyFailure>;
  }

  async #look(reference: string): Promise<Result<string | undefined, CopyFailure>> {
    const { repository, signal } = this.#options;
    const head = await headManifest(repository, reference, signal);
    return head.ok ? succeed(head.value?.digest) : head;
  }

  /** A manifest like no other under a tag; gives its digest. */
  async #putUnique(
    tag: string,
    signal = this.#options.signal,
  ): Promise<Result<string, CopyFailure>> {
    const { repository } = this.#options;
    const config = Buffer.from('{}');
    const sent = await uploadBytes(repository, config, signal);
    if (!sent.ok) return sent;
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const body = Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType },
        config: {
          mediaType: 'application/vnd.oci.empty.v1+json',
          digest: digestOf(config),
          size: config.length,
        },
        layers: [],
        annotations: { 'io.enix.kuik.placeholder': randomUUID() },
      }),
    );
    const put = await this.#put(tag, { body, mediaType }, signal);
    return put.ok ? succeed(digestOf(body)) : put;
  }

  async #put(
    tag: string,
    { body, mediaType }: { readonly body: Buffer; readonly mediaType: string },
    signal = this.#options.signal,
  ): Promise<Result<void, CopyFailure>> {
    const { repository } = this.#options;
    const headers = { 'content-type': mediaType };
    const target = `manifests/${tag}`;
    const sent = await repository.send({ method: 'PUT', target, headers, body }, signal);
    if (!sent.ok) return sent;
    if (sent.value.status >= 200 && sent.value.status < 300) return succeed(undefined);
    return fail(failureOfAnswer(sent.value, repository.asked('PUT', tag, 'manifest')));
  }

  #failure(answer: TransportAnswer, reference: string): CopyFailure {
    const asked = this.#options.repository.asked('DELETE', reference, 'deletion');
    return failureOfAnswer(answer, asked);
  }

  #refused(repository = this.#options.repository): CopyDeletion {
    const message = `${repository.name}: the registry deletes neither tags nor manifests for us`;
    return { kind: 'refused', message };
  }
}

/** Whoever leads by now decides. */
const tooLate: CopyFailure = {
  ...{ kind: 'failed', side: 'target', reason: 'unreachable' },
  message: 'it was not to be deleted any more when its turn came',
};
