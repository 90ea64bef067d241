/** One watch event is one object; etcd holds none above 1.5 MiB, and JSON may double it. */
const lineBytesMax = 8 * 1024 * 1024;

/** Splits a stream of bytes at newlines; a line without end is an error, not a leak. */
export async function* readLines(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  let open: Buffer[] = [];
  for await (const chunk of body) {
    for (const piece of splitAtNewlines(chunk)) {
      open.push(piece.bytes);
      if (!piece.ended) continue;
      yield* lineOf(open);
      open = [];
    }
    assertBounded(open);
  }
  yield* lineOf(open);
}

function* lineOf(parts: readonly Buffer[]): Iterable<string> {
  const line = Buffer.concat(parts).toString('utf8');
  if (line.trim() !== '') yield line;
}

function assertBounded(parts: readonly Buffer[]): void {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  if (bytes > lineBytesMax) throw new Error(`Expected lines of at most ${lineBytesMax} bytes.`);
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
