import type { Registries } from '#actors/registries/registries.ts';
import type { WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import {
  type CopiedImage,
  type CopyFailure,
  type CopyOutcome,
  isPermanent,
} from '#core/mirroring/copy-outcome.ts';
import { type CopyPush, recordCopied } from '#core/mirroring/copy-record.ts';
import { type CopySource, commonSources, copySources } from '#core/mirroring/copy-sources.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import {
  isOutdated,
  type KeptPlatforms,
  namesOf,
  withHeld,
} from '#core/mirroring/outdated-copy.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { CopyEnd } from '#machines/mirrored-image.ts';
import type { ImageCopier } from '#oci/copy.ts';
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
  readonly platforms: () => KeptPlatforms;
  /** Whether only kubelets can pull an image: it is no source either. */
  readonly isNodeOnly: (reference: ImageReference) => boolean;
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
    // Nodes may join while it is made: what is remembered is what was asked for.
    const platforms = this.#options.platforms();
    const askedPlatforms = namesOf(platforms);
    await this.#options.inFlight.ended(copy.place.key);
    let outcome: CopyOutcome = nobodyCopies(copy);
    for (const behalf of this.#options.judge.behalvesOf(copy)) {
      outcome = await this.#copyFor(copy, behalf, { platforms, signal });
      const isDenied = outcome.kind === 'failed' && outcome.reason === 'denied';
      if (!isDenied || signal.aborted) break;
    }
    if (!signal.aborted) this.#options.ended(copy, outcome, clock.now() - beganMs);
    if (outcome.kind === 'failed') {
      return hasNoMore(outcome) ? { ...outcome, askedPlatforms } : outcome;
    }
    const { recorded: others } = this.#options.judge.othersOf(copy);
    const moment = { others, nowMs: now(), askedPlatforms };
    const { state: _, ...known } = recordCopied(copy.told(false), outcome, moment);
    return { kind: 'copied', known };
  };

  async #copyFor(
    copy: MirroredCopy,
    behalf: CopyBehalf,
    { platforms, signal }: Pick<Attempt, 'platforms' | 'signal'>,
  ): Promise<CopyOutcome> {
    const { credentials } = this.#options;
    const { resource, place } = behalf;
    const push = await credentials.toPush(resource, place, signal);
    if (push.credentials.length === 0 && push.trouble !== undefined) {
      const { message, mayPass } = push.trouble;
      return failure('target', mayPass ? 'unreachable' : 'denied', `${place.copy}: ${message}`);
    }
    const attempt = { behalf, push: push.credentials, platforms, signal };
    const outcome = (await this.#share(copy, attempt)) ?? (await this.#copyFromAny(copy, attempt));
    if (outcome.kind === 'copied') credentials.accept(resource, place, push);
    return outcome;
  }

  /** What an image that is declared to be the same has put there is its copy, too. */
  async #share(
    copy: MirroredCopy,
    { behalf, push, signal, platforms: wanted }: Attempt,
  ): Promise<CopiedImage | undefined> {
    const { shared = {} } = this.#options.judge.othersOf(copy);
    const { digest, sourceDigest, platforms }: Partial<MirrorCopy> = shared;
    if (isOutdated(shared, wanted)) return undefined;
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
    const { table, judge, isNodeOnly } = this.#options;
    const own = copySources(table.current(), question);
    const sources = commonSources(own, judge.othersOf(copy).sources);
    let first: CopyOutcome | undefined;
    for (const source of sources.filter(({ reference }) => !isNodeOnly(reference))) {
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
    { behalf, push, signal, platforms }: Attempt,
  ): Promise<CopyOutcome> {
    const { copier, registries, credentials, running } = this.#options;
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
          source: sourceOf(copy, source),
          sourceCredentials: read,
          target: place.reference,
          targetCredentials: push,
          platforms: withHeld(platforms, copy.known),
          ...(known && { known }),
          share: behalf.use?.namespace ?? '',
          beforePush: (pushed) => this.#beforePush(copy, behalf.resource, { pushed, signal }),
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

  /** An entry stands before the first byte, and says what stood at its place, and for whom it is. */
  async #beforePush(
    copy: MirroredCopy,
    resource: string,
    { pushed, signal }: { readonly pushed: CopyPush; readonly signal: AbortSignal },
  ): Promise<CopyFailure | undefined> {
    const { entries, sourceAnswered } = this.#options;
    sourceAnswered(copy);
    const before = copy.known;
    copy.send({ type: 'push.began', push: pushed });
    const { adopted, platforms } = copy.known;
    const isNews =
      adopted !== before.adopted ||
      String(platforms ?? 'all') !== String(before.platforms ?? 'all');
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
  readonly platforms: KeptPlatforms;
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

/** One that is made anew is the same as before with more platforms, wherever its tag leads now. */
function sourceOf({ known }: MirroredCopy, { reference }: CopySource): ImageReference {
  const { mirroredAtMs, sourceDigest } = known;
  const isRenewed = mirroredAtMs !== undefined && reference.digest === undefined;
  return isRenewed && sourceDigest !== undefined
    ? { ...reference, digest: sourceDigest }
    : reference;
}

/** Whether its source has said that it has nothing more to give, as far as was asked. */
function hasNoMore(failure: CopyFailure): boolean {
  const { side, reason } = failure;
  return side === 'source' && (reason === 'not-found' || isPermanent(failure));
}

function nobodyCopies({ place }: MirroredCopy): CopyFailure {
  return failure('target', 'unreachable', `${place.copy}: no resource that is in force copies it`);
}

function unlisted(resource: string): CopyFailure {
  return failure('target', 'unreachable', `${resource}: its status has no room for this image yet`);
}
