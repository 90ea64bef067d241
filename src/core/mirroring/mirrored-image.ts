import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';
import type { CopyFailureReason } from './copy-outcome.ts';

/** One image that one (Cluster)ImageSetMirror takes care of; times are wall time in ms. */
export interface MirroredImage {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** The original, in full form; one written without a tag has none (`formatReference`). */
  readonly image: string;
  /** One a mirror of the resource, in the order of its mirrors. */
  readonly copies: readonly MirrorCopy[];
  /** Since when no Pod in scope uses it; absent while one does. */
  readonly unusedSinceMs?: number;
  /**
   * What the source's tag names now, where somebody looked in this term; where that is not what the
   * copies were made from, the tag has moved. No status holds it.
   */
  readonly presentSourceDigest?: string;
}

/** One copy of an image, as `status.matchingImages[].mirrors[]` tells it. */
export interface MirrorCopy {
  /** Full form of the copy, the image as it is pulled from the mirror. */
  readonly copy: string;
  readonly state: MirrorCopyState;
  /** When it was made, or found; absent while there is none. */
  readonly mirroredAtMs?: number;
  readonly digest?: string;
  readonly sourceDigest?: string;
  /** As `os/architecture[/variant]`; absent where the copy is whole. */
  readonly platforms?: readonly string[];
  /**
   * Found there, written by none of our resources: never deleted by us. False says that nothing stood
   * there before our first byte was pushed.
   */
  readonly adopted?: boolean;
  /** Why the last attempt failed, 256 bytes at most. */
  readonly lastError?: string;
  /**
   * What its source was asked for when it was made last, or found to have nothing more; no status
   * holds it, so that each term asks once.
   */
  readonly askedPlatforms?: readonly string[];
  /** What kind of failure `lastError` tells of; no status holds it, so a restored copy has none. */
  readonly failure?: CopyFailureReason;
}

/** Images by resource, to be read. */
export interface MirroredImagesView {
  /** `Kind/[namespace/]name` of the resources that mirror anything, all of it restored. */
  readonly resources: () => readonly string[];
  readonly imagesOf: (resource: string) => Iterable<MirroredImage>;
}

/** All that is mirrored, for those who tell of it: status, metrics, pages. */
export interface MirroredImages extends MirroredImagesView {
  /** One image by its full form. */
  readonly imageOf?: ((resource: string, image: string) => MirroredImage | undefined) | undefined;
  /** Called with a resource after something about its images changed; returns how to stop. */
  readonly subscribe: (listener: (resource: string) => void) => () => void;
}
