import { compare } from '#core/compare.ts';
import { utf8Bytes } from '#core/cut-text.ts';
import type { ListedEntry, ListedImage, StatusKind, UrgentRanks } from './status-kind.ts';

/** What a status says, and the images it has no room for, the most important first. */
export interface StatusList<Image, Status> {
  readonly status: Status;
  /** The images of which the status says all, in its order. */
  readonly listed: readonly Image[];
  /** The rest, with those of which the status says only what is urgent. */
  readonly beyond: readonly Image[];
}

/** Behaviour §6: nobody reads more in a status, and an object has to stay small. */
export const statusImagesMax = 1_000;
/** Leaves 124 KiB of a mebibyte to conditions, metadata and who wrote which field. */
export const statusImagesBytesMax = 900 * 1024;

/**
 * Makes the status of one resource from all its images, added one by one, so that they can come in
 * slices: by rank, then by name. Counts are of all. Where not all have room, those of urgent ranks
 * are listed with what is urgent alone.
 */
export function createStatusLister<Image extends ListedImage, Status>(
  kind: StatusKind<Image, Status>,
) {
  const { ranks, rankOf, urgent, listField } = kind;
  const counts = [0, ...kind.counts.map(() => 0)];
  const ranked = Array.from({ length: ranks }, () => new FirstByName<Image>());
  const count = (index: number) => {
    counts[index] = (counts[index] ?? 0) + 1;
  };
  return {
    add: (image: Image): void => {
      count(0);
      for (const [index, { isCounted }] of kind.counts.entries()) {
        if (isCounted(image)) count(index + 1);
      }
      ranked[rankOf(image)]?.add(image);
    },
    /** Called once, after all. */
    finish: (): StatusList<Image, Status> => {
      for (let rank = 0; rank < (urgent?.ranks ?? 0); rank += 1) demote(kind, ranked, rank);
      const groups = ranked.map((one) => one.all());
      const whole = listWhole(kind, groups.flat());
      const isCut = urgent !== undefined && whole.beyond.length > 0;
      const { entries, ...list } = isCut ? listCut(kind, urgent, groups) : whole;
      const fields = kind.counts.map(({ field }, index) => [field, counts[index + 1]]);
      const status = { imageCount: counts[0], ...Object.fromEntries(fields), [listField]: entries };
      return { status, ...list };
    },
  };
}

/**
 * A text that is equal for statuses that say the same, whoever wrote them and in whatever order of
 * keys; of a stored object only the fields that a lister makes count.
 */
export function statusText<Image extends ListedImage, Status>(
  kind: StatusKind<Image, Status>,
  status: Partial<Status>,
): string {
  const fields = ['imageCount', ...kind.counts.map(({ field }) => field)];
  const given = status as Readonly<Record<string, unknown>>;
  const lines = listedEntries(kind, status).map((entry) => JSON.stringify(kind.fieldsOf(entry)));
  return [...fields.map((field) => given[field]), ...lines].join('\n');
}

/** The entries that a status lists. */
export function listedEntries<Image extends ListedImage, Status>(
  { listField }: Pick<StatusKind<Image, Status>, 'listField'>,
  status: Partial<Status>,
): readonly ListedEntry[] {
  return (status[listField] as readonly ListedEntry[] | undefined) ?? [];
}

/** Whether a status says that there is more than it lists. */
export function hasOverflow<Image extends ListedImage, Status>(
  kind: StatusKind<Image, Status>,
  status: Partial<Status> = {},
): boolean {
  const entries = listedEntries(kind, status);
  const { imageCount } = status as { readonly imageCount?: number };
  return (imageCount ?? 0) > entries.length || !entries.every(kind.isWhole);
}

/**
 * Keeps the first by name as they come. To sort tens of thousands for the sake of the first thousand
 * would hold up the process for 50 ms: what comes after the last of those found so far is not sorted.
 */
class FirstByName<Image extends ListedImage> {
  readonly #first: Image[] = [];
  readonly #rest: Image[] = [];
  #last: Image | undefined;

  add(image: Image): void {
    if (this.#last !== undefined && compareNames(this.#last, image) < 0) this.#rest.push(image);
    else if (this.#first.push(image) >= 2 * statusImagesMax) this.#cut();
  }

  /** All of them; after the first, in no order. */
  all(): readonly Image[] {
    this.#cut();
    return [...this.#first, ...this.#rest];
  }

  /** Takes out all but the first so many, which are no more than a status lists. */
  takeRest(length: number): readonly Image[] {
    this.#cut();
    return [...this.#first.splice(length), ...this.#rest.splice(0)];
  }

  #cut(): void {
    this.#rest.push(...this.#first.sort(compareNames).splice(statusImagesMax));
    this.#last = this.#first[statusImagesMax - 1];
  }
}

function compareNames(left: ListedImage, right: ListedImage): number {
  return compare(left.image, right.image);
}

/** What is listed of some images, in order, and what not. */
interface Listing<Image> {
  readonly entries: readonly ListedEntry[];
  readonly listed: readonly Image[];
  readonly beyond: readonly Image[];
}

/** Leaves in an urgent rank as much as may be; the others are as important as they are otherwise. */
function demote<Image extends ListedImage, Status>(
  { urgent, sizeOf }: StatusKind<Image, Status>,
  ranked: readonly FirstByName<Image>[],
  rank: number,
): void {
  const holder = ranked[rank];
  if (urgent === undefined || holder === undefined) return;
  let size = 0;
  const end = holder.all().findIndex((image) => {
    size += sizeOf(urgent.cut(image));
    return size > urgent.sizeMax;
  });
  if (end === -1) return;
  for (const image of holder.takeRest(end)) ranked[urgent.ordinaryRankOf(image)]?.add(image);
}

function listWhole<Image extends ListedImage, Status>(
  kind: StatusKind<Image, Status>,
  all: readonly Image[],
): Listing<Image> {
  const entries = takeThatFit(kind, all, new Room(kind.sizeMax));
  return { entries, listed: all.slice(0, entries.length), beyond: all.slice(entries.length) };
}

/** Lists of the urgent ranks what is urgent; what it leaves out of an image stands beyond. */
function listCut<Image extends ListedImage, Status>(
  kind: StatusKind<Image, Status>,
  { ranks, cut }: UrgentRanks<Image>,
  groups: readonly (readonly Image[])[],
): Listing<Image> {
  const room = new Room(kind.sizeMax);
  const urgent = groups.slice(0, ranks).flat();
  const cutEntries = takeThatFit(kind, urgent.map(cut), room);
  const isWhole = (image: Image, index: number) =>
    index < cutEntries.length && kind.sizeOf(cut(image)) === kind.sizeOf(image);
  const rest = groups.slice(ranks).flat();
  const restEntries = cutEntries.length < urgent.length ? [] : takeThatFit(kind, rest, room);
  return {
    entries: [...cutEntries, ...restEntries],
    listed: [...urgent.filter(isWhole), ...rest.slice(0, restEntries.length)],
    beyond: [
      ...urgent.filter((image, index) => !isWhole(image, index)),
      ...rest.slice(restEntries.length),
    ],
  };
}

/** What is left of a status. */
class Room {
  #images = statusImagesMax;
  #bytes = statusImagesBytesMax;
  #size: number;

  constructor(sizeMax: number) {
    this.#size = sizeMax;
  }

  /** Takes the room of an entry, unless there is too little. */
  take(entry: ListedEntry, size: number): boolean {
    this.#images -= 1;
    this.#size -= size;
    if (this.#images < 0 || this.#size < 0) return false;
    // With the comma between two entries.
    this.#bytes -= utf8Bytes(JSON.stringify(entry)) + 1;
    return this.#bytes >= 0;
  }
}

function takeThatFit<Image extends ListedImage, Status>(
  { write, sizeOf }: StatusKind<Image, Status>,
  images: readonly Image[],
  room: Room,
): readonly ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (const image of images) {
    const entry = write(image);
    if (!room.take(entry, sizeOf(image))) break;
    entries.push(entry);
  }
  return entries;
}
