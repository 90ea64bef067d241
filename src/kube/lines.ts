/** Splits a stream of bytes at newlines; a line without end is an error, not a leak. */
export async function* readLines(
  body: AsyncIterable<Buffer>,
  lineBytesMax: number,
): AsyncIterable<string> {
  let open: Buffer[] = [];
  let openBytes = 0;
  for await (const chunk of body) {
    for (const { bytes, ended } of splitAtNewlines(chunk)) {
      open.push(bytes);
      openBytes += bytes.length;
      if (openBytes > lineBytesMax) {
        throw new Error(`Expected lines of at most ${lineBytesMax} bytes.`);
      }
      if (!ended) continue;
      yield* lineOf(open);
      open = [];
      openBytes = 0;
    }
  }
  yield* lineOf(open);
}

function* lineOf(parts: readonly Buffer[]): Iterable<string> {
  const line = Buffer.concat(parts).toString('utf8');
  if (line.trim() !== '') yield line;
}

/** The parts of a chunk, and whether a newline ended each. */
function splitAtNewlines(chunk: Buffer): { readonly bytes: Buffer; readonly ended: boolean }[] {
  const pieces: { bytes: Buffer; ended: boolean }[] = [];
  let start = 0;
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    pieces.push({ bytes: chunk.subarray(start, end), ended: true });
    start = end + 1;
  }
  if (start < chunk.length) pieces.push({ bytes: chunk.subarray(start), ended: false });
  return pieces;
}
