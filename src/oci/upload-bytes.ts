import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { copyFailure, failureOfAnswer } from './copy-failures.ts';
import { digestOf } from './image-manifest.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { resolveLocation, withQuery } from './upload-location.ts';

/** Brings a few bytes of our own to a repository as a blob. */
export async function uploadBytes(
  repository: RemoteRepository,
  body: Buffer,
  signal: AbortSignal,
): Promise<Result<void, CopyFailure>> {
  const digest = digestOf(body);
  const begun = await repository.send({ method: 'POST', target: 'blobs/uploads/' }, signal);
  if (!begun.ok) return begun;
  if (begun.value.status !== 202) {
    return fail(failureOfAnswer(begun.value, repository.asked('POST', digest, 'upload')));
  }
  const location = resolveLocation(begun.value);
  if (!location.ok) {
    return fail(copyFailure('target', 'unreachable', `${repository.name}: ${location.error}`));
  }
  const target = withQuery(location.value, 'digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const sent = await repository.send({ method: 'PUT', target, headers, body }, signal);
  if (!sent.ok) return sent;
  if (sent.value.status < 300) return succeed(undefined);
  return fail(failureOfAnswer(sent.value, repository.asked('PUT', digest, 'bytes')));
}
