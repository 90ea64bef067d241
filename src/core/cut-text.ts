const encoder = new TextEncoder();
/** Written over each time: counting leaves nothing behind. */
const scratch = new Uint8Array(8_192);
/** Characters of a long text that are read for each byte: some of them may be blanks that go. */
const charactersLookedAt = 4;

/** How many bytes a text has in UTF-8. */
export function utf8Bytes(text: string): number {
  // A character of the text takes three bytes at most; a pair of them four.
  if (text.length * 3 > scratch.length) return encoder.encode(text).length;
  return encoder.encodeInto(text, scratch).written;
}

/**
 * A text from outside as a status or an event may hold it: one line, well-formed, and of at most
 * `bytesMax` bytes of UTF-8, cut between characters and marked as cut.
 */
export function cutText(text: string, bytesMax: number): string {
  const looked = text.slice(0, bytesMax * charactersLookedAt);
  // Control characters would take six bytes each in JSON, and no reader wants them.
  const line = looked
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  if (looked === text && utf8Bytes(line) <= bytesMax) return line;
  const mark = '…';
  const room = new Uint8Array(bytesMax - utf8Bytes(mark));
  // Whole characters only: what does not fit any more is left out.
  const { read } = encoder.encodeInto(line, room);
  return `${line.slice(0, read).trimEnd()}${mark}`;
}
