import { wrap } from './explanation-text.ts';

/** `/status/cleanup` as it comes. */
export interface CleanupAnswer {
  readonly items: readonly {
    readonly resource: string;
    readonly image: string;
    readonly copy: string;
    readonly mirror: string;
    readonly state: string;
    readonly why: 'unused' | 'deleting';
    readonly unusedSince: string | null;
    readonly retentionSeconds: number;
    readonly due: string;
    readonly runs: boolean;
  }[];
  readonly total: number;
}

/** Lines stay within this, but for names that are longer by themselves. */
const columns = 80;
const dueColumns = 20;

/** The answer for a person: what goes next first, and below each why. */
export function cleanupText({ items, total }: CleanupAnswer, nowMs: number): string {
  if (total === 0) {
    const none =
      'Nothing is to be deleted: no resource that cleans up has a copy of an image that no Pod uses.';
    return [...wrap(none, columns), ''].join('\n');
  }
  const now = items.filter(({ due }) => Date.parse(due) <= nowMs).length;
  const copies = total === 1 ? '1 copy is' : `${total} copies are`;
  const shown = items.length < total ? ` The first ${items.length} are shown.` : '';
  const summary = `${copies} to be deleted if nothing changes, ${now} of them now.${shown}`;
  return [
    `${'DUE'.padEnd(dueColumns)}  COPY`,
    ...items.flatMap((item) => [
      `${dueOf(item, nowMs).padEnd(dueColumns)}  ${item.copy}`,
      ...wrap(whyOf(item), columns - 4).map((line) => `    ${line}`),
    ]),
    '',
    ...wrap(summary, columns),
    '',
  ].join('\n');
}

type Item = CleanupAnswer['items'][number];

function dueOf({ due }: Item, nowMs: number): string {
  return Date.parse(due) <= nowMs ? 'now' : due;
}

function whyOf({
  resource,
  image,
  mirror,
  why,
  unusedSince,
  retentionSeconds,
  runs,
}: Item): string {
  const reason =
    why === 'deleting'
      ? `${resource} is being deleted`
      : `unused since ${unusedSince ?? 'now'}, kept for ${durationOf(retentionSeconds)} by ${resource}`;
  const run = runs ? '; a Pod still runs from it, and as long as it does the copy stays' : '';
  return `${image} on ${mirror}: ${reason}${run}`;
}

/** As resources write it: `168h`, `90m`, `45s`. */
function durationOf(seconds: number): string {
  if (seconds > 0 && seconds % 3_600 === 0) return `${seconds / 3_600}h`;
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
