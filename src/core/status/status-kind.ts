/**
 * What statuses of one group of kinds list, as all that writes and reads them needs to know it: the
 * status itself, the ConfigMaps with what it has no room for, and whoever restores both.
 */
export interface StatusKind<Image extends ListedImage, Status> {
  /** The field of a status that lists entries. */
  readonly listField: string & keyof Status;
  /** The other counts beside `imageCount`, in the order in which they are written. */
  readonly counts: readonly CountedField<Image, Status>[];
  /** An image as it is written, its keys always in the same order. */
  readonly write: (image: Image) => ListedEntry;
  /** Reads what this version, an older one or kuik v2 wrote; undefined where that is no image. */
  readonly read: (resource: string, entry: unknown) => Image | undefined;
  /** The fields of an entry, in a fixed order: equal for entries that say the same. */
  readonly fieldsOf: (entry: ListedEntry) => readonly unknown[];
  /** Chooses, of two places that tell of an image, what holds; the second was read later. */
  readonly merge: (first: Image, second: Image) => Image;
  /** How many ranks there are, the most important first. */
  readonly ranks: number;
  readonly rankOf: (image: Image) => number;
  /** How much an image takes of `sizeMax`, beside its place among the images. */
  readonly sizeOf: (image: Image) => number;
  readonly sizeMax: number;
  /** The first ranks may be of those that every replica has to know from the status alone. */
  readonly urgent?: UrgentRanks<Image>;
  /** Whether an entry of a status surely says all that is known of its image. */
  readonly isWhole: (entry: ListedEntry) => boolean;
}

/** An image that a status lists. */
export interface ListedImage {
  /** Which resource lists it; how a resource is named, the kind decides. */
  readonly resource: string;
  /** Full form. */
  readonly image: string;
}

/** What is written of one image. */
export type ListedEntry = { readonly image: string };

/** One count of a status, and which images it counts. */
export interface CountedField<Image, Status> {
  readonly field: string & keyof Status;
  readonly isCounted: (image: Image) => boolean;
}

/** The ranks that are listed whatever else there is. */
export interface UrgentRanks<Image> {
  /** So many of the first ranks. */
  readonly ranks: number;
  /** Of each so much at most, by the size of what `cut` leaves. */
  readonly sizeMax: number;
  /** The image with what is urgent about it alone, for a status without room for all. */
  readonly cut: (image: Image) => Image;
  /** Where one stands that is beyond `sizeMax`. */
  readonly ordinaryRankOf: (image: Image) => number;
}

/** Behaviour §6: what an error may take of a status. */
export const lastErrorBytesMax = 256;

/** Images by resource, to be read. */
export interface ListedImagesView<Image extends ListedImage> {
  /** Resources that list anything, all of it restored. */
  readonly resources: () => readonly string[];
  readonly imagesOf: (resource: string) => Iterable<Image>;
}

/** All that is listed, for those who tell of it. */
export interface ListedImages<Image extends ListedImage> extends ListedImagesView<Image> {
  /** One image, where that can be had without going through all. */
  readonly imageOf?: ((resource: string, image: string) => Image | undefined) | undefined;
  /** Called with a resource after something about its images changed; returns how to stop. */
  readonly subscribe: (listener: (resource: string) => void) => () => void;
}
