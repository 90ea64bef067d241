import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { failureOfAnswer } from './copy-failures.ts';
import { digestOf } from './image-manifest.ts';
import { isDigest, MANIFEST_TYPES } from './manifests.ts';
import type { AnswerHeaders } from './quota.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { getManifest } from './source-image.ts';

/** A manifest that is there. */
export interface ManifestHead {
  readonly digest: string;
  readonly mediaType: string;
}

/** Statuses that say: this registry does not serve HEAD. */
const METHOD_REFUSED: ReadonlySet<number> = new Set([405, 501]);

/**
 * What stands under a tag or digest; `undefined` where nothing does. HEAD asks nothing of Docker
 * Hub's quota (rule 12 of copying): the manifest itself is read only where it says no digest.
 */
export async function headManifest(
  repository: RemoteRepository,
  reference: string,
  signal: AbortSignal,
): Promise<Result<ManifestHead | undefined, CopyFailure>> {
  const sent = await repository.send(
    {
      method: 'HEAD',
      target: `manifests/${reference}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
    },
    signal,
  );
  if (!sent.ok) return sent;
  const { status, headers } = sent.value;
  if (status === 404) return succeed(undefined);
  const told = status === 200 ? toldDigest(headers) : undefined;
  if (told !== undefined) return succeed(told);
  if (status !== 200 && !METHOD_REFUSED.has(status)) {
    return fail(failureOfAnswer(sent.value, repository.asked('HEAD', reference)));
  }
  const got = await getManifest(repository, reference, signal);
  if (!got.ok) return got.error.reason === 'not-found' ? succeed(undefined) : got;
  const { body, headers: read } = got.value;
  return succeed({ digest: digestOf(body), mediaType: read['content-type'] ?? '' });
}

function toldDigest(headers: AnswerHeaders): ManifestHead | undefined {
  const digest = [headers['docker-content-digest'] ?? []].flat()[0];
  return isDigest(digest) ? { digest, mediaType: headers['content-type'] ?? '' } : undefined;
}
