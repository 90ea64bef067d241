import type { Registries } from '#actors/registries/registries.ts';
import type { WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { Credential } from '#core/credentials.ts';
import type { CopiedImage, CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { recordCopied } from '#core/mirroring/copy-record.ts';
import { type CopySource, commonSources, copySources } from '#core/mirroring/copy-sources.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { CopyEnd } from '#machines/mirrored-image.ts';
import type { CopyRequest, ImageCopier } from '#oci/copy.ts';
import type { DeletesInFlight } from './deletes-in-flight.ts';
import type { MirrorCredentials } from './mirror-credentials.ts';
import type { CopyDemand, MirroredCopy } from './mirrored-copy.ts';
import type { RunningCopies } from './running-copies.ts';
import { tellRegistry } from './tell-registry.ts';

/** On whose behalf a copy may be made: with its own Secrets, and never with another's. */
export interface CopyBehalf extends CopyDemand {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  readonly compiled: CompiledMirror;
}

/** What copies are made with. */
export interface CopyImageOptions {
  readonly copier: Pick<ImageCopier, 'copy' | 'look'>;
  readonly registries: Pick<Registries, 'reachability' | 'tell' | 'quotaOf'>;
  readonly credentials: MirrorCredentials;
  readonly running: RunningCopies;
  /** What is being deleted at a place would take the new copy along. */
  readonly inFlight: Pick<DeletesInFlight, 'ended'>;
  /** An entry stands in a status before the first byte is pushed (behaviour §5). */
  readonly entries: WrittenEntries;
  readonly table: { readonly current: () => RoutingTable };
  readonly platforms: () => CopyRequest['platforms'];
  /** On whose behalf a copy is made, and what others have to do with its place. */
  readonly judge: {
    readonly behalvesOf: (copy: MirroredCopy) => readonly CopyBehalf[];
    readonly othersOf: (copy: MirroredCopy) => HeldPlace;
  };
  /** Told when a source has said what to copy. */
  readonly sourceAnswered: (copy: MirroredCopy) => void;
  /** Told of each attempt that came to an end, and how long it took. */
  readonly ended: (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number) => void;
}

/** What others than the copy itself have to do with its place. */
export interface HeldPlace {
  /** What is recorded of it by all who hold it. */
  readonly recorded: readonly MirrorCopy[];
  /** Of an image that is declared to be the same, where its copy is there. */
  readonly shared?: MirrorCopy | undefined;
  /** What each of them takes for a source of the image. */
  readonly sources: readonly (readonly CopySource[])[];
}

/** Makes copies, each as the effect of its actor. */
export class CopyImage {
  readonly #runtime: Runtime;
  readonly #options: CopyImageOptions;

  constructor(runtime: Runtime, options: CopyImageOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** One attempt: on behalf of one resource after the other, as long as the mirror lets none in. */
  readonly run = async (copy: MirroredCopy, signal: AbortSignal): Promise<CopyEnd> => {
    const { clock, now } = this.#runtime;
    const beganMs = clock.now();
    await this.#options.inFlight.ended(copy.place.key);
    let outcome: CopyOutcome = nobodyCopies(copy);
    for (const behalf of this.#options.judge.behalvesOf(copy)) {
      outcome = await this.#copyFor(copy, behalf, signal);
      const isDenied = outcome.kind === 'failed' && outcome.reason === 'denied';
      if (!isDenied || signal.aborted) break;
    }
    if (!signal.aborted) this.#options.ended(copy, outcome, clock.now() - beganMs);
    if (outcome.kind === 'failed') return outcome;
    const { recorded: others } = this.#options.judge.othersOf(copy);
    const moment = { others, nowMs: now() };
    const { state: _, ...known } = recordCopied(copy.told(false), outcome, moment);
    return { kind: 'copied', known };
  };

  async #copyFor(
    copy: MirroredCopy,
    behalf: CopyBehalf,
    signal: AbortSignal,
  ): Promise<CopyOutcome> {
    const { credentials } = this.#options;
    const { resource, place } = behalf;
    const push = await credentials.toPush(resource, place, signal);
    if (push.credentials.length === 0 && push.trouble !== undefined) {
      const { message, mayPass } = push.trouble;
      return failure('target', mayPass ? 'unreachable' : 'denied', `${place.copy}: ${message}`);
    }
    const attempt = { behalf, push: push.credentials, signal };
    const outcome = (await this.#share(copy, attempt)) ?? (await this.#copyFromAny(copy, attempt));
    if (outcome.kind === 'copied') credentials.accept(resource, place, push);
    return outcome;
  }

  /** What an image that is declared to be the same has put there is its copy, too. */
  async #share(
    copy: MirroredCopy,
    { behalf, push, signal }: Attempt,
  ): Promise<CopiedImage | undefined> {
    const { shared } = this.#options.judge.othersOf(copy);
    const { digest, sourceDigest, platforms } = shared ?? {};
    if (digest === undefined || sourceDigest === undefined) return undefined;
    const asked = { target: behalf.place.reference, credentials: push, digest };
    const look = await this.#options.copier.look(asked, signal);
    if (look.kind !== 'there') return undefined;
    const told = { kind: 'copied', digest, sourceDigest, found: true, bytes: 0 } as const;
    return platforms === undefined ? told : { ...told, platforms };
  }

  /** From the image itself; where its registry fails, from what sets declare to be the same. */
  async #copyFromAny(copy: MirroredCopy, attempt: Attempt): Promise<CopyOutcome> {
    const { compiled: mirror, use } = attempt.behalf;
    const question = { mirror, image: copy.source, pod: use?.pod ?? nobody };
    const own = copySources(this.#options.table.current(), question);
    let first: CopyOutcome | undefined;
    for (const source of commonSources(own, this.#options.judge.othersOf(copy).sources)) {
      const outcome = await this.#copyFrom(copy, source, attempt);
      if (outcome.kind === 'copied' || outcome.side === 'target') return outcome;
      // What the image itself came to says more than what its equivalents did.
      first ??= outcome;
    }
    return first ?? nobodyCopies(copy);
  }

  /** From one source; a registry that is down, or wants to be left alone, is not asked. */
  async #copyFrom(
    copy: MirroredCopy,
    source: CopySource,
    { behalf, push, signal }: Attempt,
  ): Promise<CopyOutcome> {
    const { copier, registries, credentials, platforms, running } = this.#options;
    const { registry } = source.reference;
    if (registries.reachability(registry) === 'Open') {
      return failure('source', 'unreachable', `${registry}: it does not answer`);
    }
    const read = await credentials.toRead(source, behalf.use, signal);
    const quota = registries.quotaOf(registry, read);
    if (quota !== undefined) {
      return { ...failure('source', 'throttled', quota.message), retryAtMs: quota.retryAtMs };
    }
    const { target, image } = copy;
    const { place } = behalf;
    const shown = running.begin({ target, image });
    const { digest, sourceDigest } = copy.known;
    const known = digest !== undefined && sourceDigest !== undefined && { digest, sourceDigest };
    try {
      const outcome = await copier.copy(
        {
          source: source.reference,
          sourceCredentials: read,
          target: place.reference,
          targetCredentials: push,
          platforms: platforms(),
          ...(known && { known }),
          share: behalf.use?.namespace ?? '',
          beforePush: (standing) => this.#beforePush(copy, behalf.resource, { standing, signal }),
          onProgress: shown.progress,
        },
        signal,
      );
      if (!signal.aborted) {
        const ends = {
          source: { registry, credentials: read },
          target: { registry: place.reference.registry, credentials: push },
        };
        tellRegistry(registries, ends, outcome);
      }
      return outcome;
    } finally {
      shown.end();
    }
  }

  /** An entry stands before the first byte, and says where nothing stood at its place before. */
  async #beforePush(
    copy: MirroredCopy,
    resource: string,
    { standing, signal }: { readonly standing: string | undefined; readonly signal: AbortSignal },
  ): Promise<CopyFailure | undefined> {
    const { entries, sourceAnswered } = this.#options;
    sourceAnswered(copy);
    const { adopted } = copy.known;
    if (standing === undefined) copy.send({ type: 'push.began' });
    const isNews = adopted !== copy.known.adopted;
    try {
      const place = await entries[isNews ? 'recorded' : 'stands'](resource, copy.image, signal);
      return place === 'none' ? unlisted(resource) : undefined;
    } catch (error) {
      if (!signal.aborted) throw error;
      return failure('target', 'unreachable', 'the copy was called off');
    }
  }
}

interface Attempt {
  readonly behalf: CopyBehalf;
  readonly push: readonly Credential[];
  readonly signal: AbortSignal;
}

/** A Pod of which nothing is known: sets for certain Pods say nothing of it. */
const nobody = { namespace: '', labels: {}, annotations: {} };

function failure(
  side: CopyFailure['side'],
  reason: CopyFailure['reason'],
  message: string,
): CopyFailure {
  return { kind: 'failed', side, reason, message };
}

function nobodyCopies({ place }: MirroredCopy): CopyFailure {
  return failure('target', 'unreachable', `${place.copy}: no resource that is in force copies it`);
}

function unlisted(resource: string): CopyFailure {
  return failure('target', 'unreachable', `${resource}: its status has no room for this image yet`);
}
