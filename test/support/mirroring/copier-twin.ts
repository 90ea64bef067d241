import { createHash } from 'node:crypto';
import type { Credential } from '#core/credentials.ts';
import { formatReference } from '#core/image/reference.ts';
import type { CopiedImage, CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { coversArchitectures, type Platform } from '#core/mirroring/platforms.ts';
import type { CopyDeletion, CopyRequest, ImageCopier } from '#oci/copy.ts';

/** Registries in memory, by full form of the image: what `ImageCopier` does, and what it was asked. */
export function createCopierTwin() {
  const images = new Map<string, string>();
  const platformsOf = new Map<string, readonly string[]>();
  const reads: string[] = [];
  const copied: CopyRequest[] = [];
  const looked: string[] = [];
  const deleted: string[] = [];
  const guarded = new Map<string, string>();
  const failing = new Map<string, Omit<CopyFailure, 'kind' | 'message'>>();
  let hold: { readonly until: Promise<void>; readonly registry: string | undefined } | undefined;
  let deletionHold: Promise<void> | undefined;
  /** Of a tag; of a tag with a digest what was ever pushed there. */
  const digestAt = (image: string): string | undefined => {
    const [, digest] = image.split('@');
    return digest === undefined || platformsOf.has(digest)
      ? (digest ?? images.get(image))
      : undefined;
  };
  const isLetIn = (registry: string, credentials: readonly Credential[]): boolean => {
    const wanted = guarded.get(registry);
    return wanted === undefined || credentials.some(({ password }) => password === wanted);
  };
  const refusalOf = ({ source, target, ...given }: CopyRequest): CopyFailure | undefined => {
    if (!isLetIn(source.registry, given.sourceCredentials)) {
      return failed('source', 'source-denied', `${source.registry}: 401`);
    }
    if (isLetIn(target.registry, given.targetCredentials)) return undefined;
    return failed('target', 'denied', `${target.registry}: 401`);
  };
  const failureAt = (registry: string): CopyFailure | undefined => {
    const failure = failing.get(registry);
    return failure && { kind: 'failed', message: `${registry}: ${failure.reason}`, ...failure };
  };
  /** What a copy would be; nothing is read where HEAD says it all. */
  const read = ({ source, target, known, platforms }: CopyRequest): CopiedImage | CopyFailure => {
    const from = formatReference(source);
    const sourceDigest = digestAt(from);
    if (sourceDigest === undefined) return failed('source', 'not-found', `${from}: 404`);
    const told = { kind: 'copied', sourceDigest, bytes: 0, found: true } as const;
    const standing = images.get(formatReference(target));
    const had = platformsOf.get(sourceDigest);
    const same = had === undefined ? [sourceDigest, known?.digest] : [sourceDigest];
    if (standing !== undefined && same.includes(standing)) return { ...told, digest: standing };
    reads.push(from);
    const kept = cut(had, platforms);
    if (kept?.length === 0) return failed('source', 'no-platform', `${from}: none of them`);
    return { ...told, ...cutImage(sourceDigest, kept) };
  };
  /** Copies what the source has, unless it stands there already. */
  const transfer = async (request: CopyRequest, signal: AbortSignal): Promise<CopyOutcome> => {
    const to = formatReference(request.target);
    const wanted = read(request);
    if (wanted.kind === 'failed' || wanted.digest === images.get(to)) return wanted;
    const standing = images.get(to);
    const refused = await request.beforePush?.({
      ...(standing !== undefined && { standing }),
      ...(wanted.platforms !== undefined && { platforms: wanted.platforms }),
    });
    if (refused !== undefined) return refused;
    if (signal.aborted) return failed('source', 'unreachable', 'the copy was called off');
    images.set(to, wanted.digest);
    return { ...wanted, bytes: 7, found: false };
  };
  const remove = (image: string, digest: string): CopyDeletion => {
    const standing = images.get(image);
    if (standing === undefined) return { kind: 'absent' };
    if (standing !== digest) return { kind: 'changed', digest: standing };
    images.delete(image);
    return { kind: 'deleted' };
  };
  const copier: ImageCopier = {
    copy: async (request, signal) => {
      copied.push(request);
      const { source, target } = request;
      const isHeld = hold !== undefined && [undefined, source.registry].includes(hold.registry);
      if (isHeld) await Promise.race([hold?.until, aborted(signal)]);
      const refused = refusalOf(request);
      if (refused !== undefined) return refused;
      return (
        failureAt(source.registry) ??
        failureAt(target.registry) ??
        (await transfer(request, signal))
      );
    },
    measure: async () => ({ ok: true, value: [] }),
    look: async ({ target, digest }) => {
      const image = formatReference(target);
      looked.push(image);
      const failure = failureAt(target.registry);
      if (failure !== undefined) return failure;
      const standing = images.get(image);
      if (standing === undefined) return { kind: 'gone' };
      const kind = digest === undefined || digest === standing ? 'there' : 'changed';
      return { kind, digest: standing };
    },
    deleteCopy: async ({ target, digest, removal }) => {
      const image = formatReference(target);
      if (!removal.mayBegin()) return failed('target', 'unreachable', 'too late');
      deleted.push(image);
      const answer = deletionHold && Promise.race([deletionHold, aborted(removal.signal)]);
      if ((await answer) !== undefined) return failed('target', 'unreachable', 'no answer in time');
      return failureAt(target.registry) ?? remove(image, digest);
    },
  };
  return {
    ...{ copier, images, copied, reads, looked, deleted },
    /** Puts an image there; what is named alike has the same digest. */
    push: (image: string, content = image) => images.set(image, digestOf(content)),
    /** From now on a registry lets in, to copy, who has this password. */
    guard: (registry: string, password: string) => void guarded.set(registry, password),
    /** Puts an index there. */
    pushIndex: (image: string, platforms: readonly string[], content = image) => {
      const digest = digestOf(content);
      images.set(image, digest);
      platformsOf.set(digest, platforms);
    },
    /** From now on a registry answers so; without a failure it is well again. */
    fail: (registry: string, failure?: Omit<CopyFailure, 'kind' | 'message'>) => {
      if (failure === undefined) failing.delete(registry);
      else failing.set(registry, failure);
    },
    /** A DELETE that was sent is done, and answered, when this is called. */
    holdDeletions: (): (() => void) => {
      const held = Promise.withResolvers<void>();
      deletionHold = held.promise;
      return () => {
        deletionHold = undefined;
        held.resolve();
      };
    },
    /** Copies, of one source or of all, stop before their first byte until the answer is called. */
    hold: (registry?: string): (() => void) => {
      const held = Promise.withResolvers<void>();
      hold = { until: held.promise, registry };
      return () => {
        hold = undefined;
        held.resolve();
      };
    },
  };
}

/** What is kept of an index; undefined where that is all of it. */
function cut(
  had: readonly string[] | undefined,
  wanted: CopyRequest['platforms'],
): readonly string[] | undefined {
  if (wanted === 'all' || had === undefined) return undefined;
  const kept = had.filter((one) => coversAny([one], wanted));
  return kept.length === had.length ? undefined : kept;
}

function cutImage(sourceDigest: string, kept: readonly string[] | undefined) {
  if (kept === undefined) return { digest: sourceDigest };
  return { digest: digestOf([sourceDigest, ...kept].join()), platforms: kept };
}

function coversAny(held: readonly string[], wanted: readonly Platform[]): boolean {
  return wanted.some(({ architecture }) => coversArchitectures(held, [architecture]));
}

function failed(
  side: CopyFailure['side'],
  reason: CopyFailure['reason'],
  message: string,
): CopyFailure {
  return { kind: 'failed', side, reason, message };
}

/** The digest of a text. */
export function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
