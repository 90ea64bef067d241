import { withDeadline } from '#actors/deadline.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { CopyDeletion, DeleteRequest, ImageCopier } from '#oci/copy.ts';
import type { DeletesInFlight } from './deletes-in-flight.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** What bounds a DELETE, and who has to know of it. */
export interface SendDeleteMeans {
  readonly copier: Pick<ImageCopier, 'deleteCopy'>;
  /** Whether this process leads, its Lease renewed within the deadline. */
  readonly leads: () => boolean;
  /**
   * A DELETE is given up after so long: by then another may lead, so no more than the Lease lasts
   * beyond the deadline for its renewal.
   */
  readonly deleteWithinMs: number;
  /** Kept up here: who wants what stands there waits until none is on its way. */
  readonly inFlight: DeletesInFlight;
  /** No DELETE that was sent for it can take anything away any more. */
  readonly answered: (copy: MirroredCopy) => void;
}

/** Until the answer nobody is offered what stands there; what was given up may yet be done. */
export async function sendDelete(
  { clock }: Pick<Runtime, 'clock'>,
  { copier, inFlight, leads, deleteWithinMs: deadlineMs, answered }: SendDeleteMeans,
  {
    copy,
    asked,
    signal,
  }: {
    readonly copy: MirroredCopy;
    readonly asked: Omit<DeleteRequest, 'removal'>;
    readonly signal: AbortSignal;
  },
): Promise<CopyDeletion> {
  const untilMs = clock.now() + deadlineMs;
  const mayBegin = () => leads() && clock.now() < untilMs;
  const end = inFlight.begin(copy.place.key);
  const over = (): void => {
    end();
    answered(copy);
  };
  try {
    return await withDeadline(clock, { deadlineMs, signal }, (inTime) =>
      copier.deleteCopy({ ...asked, removal: { mayBegin, signal: inTime } }, signal),
    );
  } finally {
    if (signal.aborted) clock.after(deadlineMs, over);
    else over();
  }
}
