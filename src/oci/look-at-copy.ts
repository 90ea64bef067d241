import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { copyFailure } from './copy-failures.ts';
import { headManifest, type ManifestHead } from './head-manifest.ts';
import { type Child, isIndexType } from './image-manifest.ts';
import { inLanes } from './lanes.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { readSourceManifest } from './source-image.ts';

/** What a mirror has of a copy. */
export type CopyLook =
  | { readonly kind: 'there'; readonly digest: string }
  /** Nothing stands under its tag, or an index of which a part is not there. */
  | { readonly kind: 'gone' }
  /** Something else than what was recorded. */
  | { readonly kind: 'changed'; readonly digest: string }
  | CopyFailure;

/** Children asked for at once. */
const LANES = 4;

/** Asks by HEAD for a tag, and for an index's children too (behaviour §5). */
export async function lookAtCopy(
  repository: RemoteRepository,
  wanted: { readonly tag: string; readonly digest?: string },
  signal: AbortSignal,
): Promise<CopyLook> {
  const head = await headManifest(repository, wanted.tag, signal);
  if (!head.ok) return head.error;
  if (head.value === undefined) return { kind: 'gone' };
  const { digest } = head.value;
  if (wanted.digest !== undefined && digest !== wanted.digest) return { kind: 'changed', digest };
  const whole = await isComplete(repository, head.value, signal);
  if (!whole.ok) return whole.error;
  return whole.value.kind === 'complete' ? { kind: 'there', digest } : { kind: 'gone' };
}

/** What there is of a manifest and of what an index names. */
export type Completeness =
  | { readonly kind: 'complete'; readonly children: readonly Child[] }
  | { readonly kind: 'incomplete' };

/** Whether a registry has all manifests of an index; of an image it has to be believed. */
export async function isComplete(
  repository: RemoteRepository,
  { digest, mediaType }: ManifestHead,
  signal: AbortSignal,
): Promise<Result<Completeness, CopyFailure>> {
  if (!isIndexType(mediaType)) return succeed({ kind: 'complete', children: [] });
  const index = await readSourceManifest(repository, { digest }, signal);
  if (!index.ok) return incomplete(index.error);
  const { content } = index.value;
  const children = content.kind === 'index' ? content.children : [];
  const asked = await inLanes(children, LANES, async (child) => {
    const head = await headManifest(repository, child.digest, signal);
    if (!head.ok || head.value !== undefined) return head;
    return fail(copyFailure('target', 'not-found', `${repository.name}: a part is not there`));
  });
  return asked.ok ? succeed({ kind: 'complete', children }) : incomplete(asked.error);
}

/** What is not there, or not what it should be, is no trouble of the registry's. */
function incomplete(failure: CopyFailure): Result<Completeness, CopyFailure> {
  const isLacking = failure.reason === 'not-found' || failure.reason === 'corrupt';
  return isLacking ? succeed({ kind: 'incomplete' }) : fail(failure);
}
