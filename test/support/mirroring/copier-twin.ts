import { createHash } from 'node:crypto';
import { formatReference } from '#core/image/reference.ts';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import type { CopyDeletion, CopyRequest, ImageCopier } from '#oci/copy.ts';

/** Registries in memory, by full form of the image: what `ImageCopier` does, and what it was asked. */
export function createCopierTwin() {
  const images = new Map<string, string>();
  const copied: CopyRequest[] = [];
  const looked: string[] = [];
  const deleted: string[] = [];
  const failing = new Map<string, Omit<CopyFailure, 'kind' | 'message'>>();
  let hold: { readonly until: Promise<void>; readonly registry: string | undefined } | undefined;
  let deletionHold: Promise<void> | undefined;
  const failureAt = (registry: string): CopyFailure | undefined => {
    const failure = failing.get(registry);
    return failure && { kind: 'failed', message: `${registry}: ${failure.reason}`, ...failure };
  };
  /** Copies what the source has, unless it stands there already. */
  const transfer = async (
    { source, target, known, beforePush }: CopyRequest,
    signal: AbortSignal,
  ) => {
    const [from, to] = [formatReference(source), formatReference(target)];
    const digest = images.get(from);
    if (digest === undefined) return failed('source', 'not-found', `${from}: 404`);
    const told = { kind: 'copied', digest, sourceDigest: digest, bytes: 7 } as const;
    const standing = images.get(to) ?? '';
    if ([digest, known?.digest].includes(standing)) {
      return { ...told, digest: standing, bytes: 0, found: true };
    }
    const refused = await beforePush?.(images.get(to));
    if (refused !== undefined) return refused;
    if (signal.aborted) return failed('source', 'unreachable', 'the copy was called off');
    images.set(to, digest);
    return { ...told, found: false };
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
      return (
        failureAt(source.registry) ??
        failureAt(target.registry) ??
        (await transfer(request, signal))
      );
    },
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
    ...{ copier, images, copied, looked, deleted },
    /** Puts an image there; what is named alike has the same digest. */
    push: (image: string, content = image) => images.set(image, digestOf(content)),
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
