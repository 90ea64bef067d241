import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { copyFailure, failureOfAnswer } from './copy-failures.ts';
import type { TransportAnswer } from './exchange.ts';
import type { RemoteRepository, RepositoryAnswer, UploadTarget } from './remote-repository.ts';
import { resolveLocation } from './upload-location.ts';

/** What an upload is begun for. */
export interface BeginUploadOptions {
  readonly repository: RemoteRepository;
  readonly digest: string;
  /** Where the blob may be mounted from: another repository of the registry, or the same one. */
  readonly mountFrom: string | undefined;
  /** Told that the registry takes no mount from the repository itself. */
  readonly onMountRefused: () => void;
}

/** Where to send a blob to; or that it is there. */
export type BegunUpload =
  | { readonly kind: 'there' }
  | { readonly kind: 'begun'; readonly location: UploadTarget; readonly chunkBytesMin: number };

/** Begins an upload, or mounts what is there (distribution spec, "Mounting a blob"). */
export async function beginUpload(
  options: BeginUploadOptions,
  signal: AbortSignal,
): Promise<Result<BegunUpload, CopyFailure>> {
  const mounted = await tryMount(options, signal);
  if (mounted !== undefined) return readBegun(options, mounted);
  const target = 'blobs/uploads/';
  return readBegun(options, await options.repository.send({ method: 'POST', target }, signal));
}

/** Rule 3 of copying: whatever does not come to a blob or an upload is asked for without a mount. */
async function tryMount(
  { repository, digest, mountFrom, onMountRefused }: BeginUploadOptions,
  signal: AbortSignal,
): Promise<RepositoryAnswer | undefined> {
  if (mountFrom === undefined) return undefined;
  const query = new URLSearchParams({ mount: digest, from: mountFrom });
  const isElsewhere = mountFrom !== repository.rights.path;
  const target = `blobs/uploads/?${query}`;
  const mounted = await repository.send(
    { method: 'POST', target, ...(isElsewhere && { mountFrom }) },
    signal,
  );
  const status = mounted.ok ? mounted.value.status : undefined;
  // A 429 costs one request, and an abort none.
  if (signal.aborted || status === 201 || status === 202 || status === 429) return mounted;
  if (status !== undefined && !isElsewhere) onMountRefused();
  return undefined;
}

function readBegun(
  { repository, digest }: BeginUploadOptions,
  sent: RepositoryAnswer,
): Result<BegunUpload, CopyFailure> {
  if (!sent.ok) return sent;
  const answer = sent.value;
  if (answer.status === 201) return succeed({ kind: 'there' });
  if (answer.status !== 202) {
    return fail(failureOfAnswer(answer, repository.asked('POST', digest, 'upload')));
  }
  const location = resolveLocation(answer);
  if (!location.ok) {
    const message = `${repository.name}@${digest}: ${location.error}`;
    return fail(copyFailure('target', 'unreachable', message));
  }
  const chunkBytesMin = chunkBytesOf(answer);
  return succeed({ kind: 'begun', location: location.value, chunkBytesMin });
}

function chunkBytesOf({ headers }: TransportAnswer): number {
  const least = Number([headers['oci-chunk-min-length'] ?? []].flat()[0]);
  return Number.isSafeInteger(least) && least > 0 ? least : 0;
}
