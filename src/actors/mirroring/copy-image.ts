import type { Registries } from '#actors/registries/registries.ts';
import type { WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { Credential } from '#core/credentials.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { type CopySource, copySources } from '#core/mirroring/copy-sources.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { CopyEnd } from '#machines/mirrored-image.ts';
import type { CopyRequest, ImageCopier } from '#oci/copy.ts';
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
  readonly copier: Pick<ImageCopier, 'copy'>;
  readonly registries: Pick<Registries, 'reachability' | 'tell' | 'quotaOf'>;
  readonly credentials: MirrorCredentials;
  readonly running: RunningCopies;
  /** An entry stands in a status before the first byte is pushed (behaviour §5). */
  readonly entries: Pick<WrittenEntries, 'stands'>;
  readonly table: { readonly current: () => RoutingTable };
  readonly platforms: () => CopyRequest['platforms'];
  /** In the order to try. */
  readonly behalvesOf: (copy: MirroredCopy) => readonly CopyBehalf[];
  /** Told of each attempt that came to an end. */
  readonly ended: (copy: MirroredCopy, outcome: CopyOutcome) => void;
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
    let outcome: CopyOutcome = nobodyCopies(copy);
    for (const behalf of this.#options.behalvesOf(copy)) {
      outcome = await this.#copyFor(copy, behalf, signal);
      const isDenied = outcome.kind === 'failed' && outcome.reason === 'denied';
      if (!isDenied || signal.aborted) break;
    }
    if (!signal.aborted) this.#options.ended(copy, outcome);
    return { ...outcome, atMs: this.#runtime.now() };
  };

  async #copyFor(
    copy: MirroredCopy,
    behalf: CopyBehalf,
    signal: AbortSignal,
  ): Promise<CopyOutcome> {
    const { entries, credentials } = this.#options;
    const { resource, place } = behalf;
    const stands = await entries.stands(resource, copy.image, signal);
    if (stands === 'none') return unlisted(resource);
    const push = await credentials.toPush(resource, place, signal);
    if (push.credentials.length === 0 && push.trouble !== undefined) {
      return failure('target', 'denied', `${place.copy}: ${push.trouble}`);
    }
    const outcome = await this.#copyFromAny(copy, { behalf, push: push.credentials, signal });
    if (outcome.kind === 'copied') credentials.accept(resource, place, push);
    return outcome;
  }

  /** From the image itself; where its registry fails, from what sets declare to be the same. */
  async #copyFromAny(copy: MirroredCopy, attempt: Attempt): Promise<CopyOutcome> {
    const { compiled: mirror, use } = attempt.behalf;
    const question = { mirror, image: copy.source, pod: use?.pod ?? nobody };
    let first: CopyOutcome | undefined;
    for (const source of copySources(this.#options.table.current(), question)) {
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
    const { place, resource } = behalf;
    const shown = running.begin({ target, image, copy: place.copy, resource });
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
