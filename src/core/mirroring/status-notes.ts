import type { MovedTag } from './status-summary.ts';

/** More tags that moved at once are one event, which names the first few. */
const notesMax = 5;
const namesMax = 3;

/** An event about tags that moved. */
export interface MovedNote {
  readonly type: 'Warning';
  readonly reason: 'SourceChanged';
  readonly note: string;
}

/** What is worth an event: each tag that moved since `known`, many of them folded into one. */
export function movedNotes(
  known: ReadonlyMap<string, MovedTag>,
  moved: ReadonlyMap<string, MovedTag>,
): readonly MovedNote[] {
  const fresh = [...moved].filter(([image, { to }]) => known.get(image)?.to !== to);
  const noteOf = (note: string): MovedNote => ({ type: 'Warning', reason: 'SourceChanged', note });
  if (fresh.length <= notesMax) {
    return fresh.map(([image, { from, to }]) =>
      noteOf(`${image} names another image now: ${from} was copied, ${to} is there.`),
    );
  }
  const names = fresh.slice(0, namesMax).map(([image]) => image);
  return [noteOf(`${fresh.length} tags name other images now, such as ${names.join(', ')}.`)];
}
