/** What is copied, crane's figure, ours, their ratio, the bar and whether it was met. */
export type Row = readonly string[];

/** Bytes of one. */
export const mebibyte = 1024 * 1024;

/** A row with what had to be reached. */
export function barred(
  cells: readonly string[],
  { text, met }: { readonly text: string; readonly met: boolean },
): Row {
  return [...cells, text, met ? 'met' : 'MISSED'];
}

/** `1.67 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** `64 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(0)} MiB`;
}

/** A ratio with two digits: the bars are 1.0 and 1.3. */
export function hundredths(value: number, baseline: number): string {
  return `${(value / baseline).toFixed(2)}x`;
}
