import { residentBytes, residentBytesMax } from '#test/support/processes/heap.ts';

/** What was measured, the figure, the bar and whether it was met. */
export type Row = readonly string[];

/** Bytes of one. */
export const megabyte = 1024 * 1024;

/** A row of a figure that only informs. */
export function told(what: string, measured: string): Row {
  return [what, measured, '', ''];
}

/** A row with what had to be reached. */
export function barred(
  what: string,
  measured: string,
  { text, met }: { readonly text: string; readonly met: boolean },
): Row {
  return [what, measured, text, met ? 'met' : 'MISSED'];
}

/** Memory of a process now, and the most that it had so far. */
export function tellResident(pid: number, bar?: number): readonly Row[] {
  const row = (what: string, bytes: number): Row => {
    const figure = `${(bytes / megabyte).toFixed(0)} MB`;
    if (bar === undefined) return told(what, figure);
    return barred(what, figure, { text: `< ${bar} MB`, met: bytes < bar * megabyte });
  };
  return [row('RSS', residentBytes(pid)), row('  at its most', residentBytesMax(pid))];
}

/** The largest of the objects that were written. */
export function tellLargest(writes: readonly { readonly bytes: number }[]): Row {
  const largest = Math.max(...writes.map(({ bytes }) => bytes)) / megabyte;
  return barred('largest status object', `${largest.toFixed(2)} MiB`, {
    ...{ text: '< 1 MiB', met: largest < 1 },
  });
}
