/** What was read of a body. */
export interface BodyReading {
  readonly body: Buffer;
  /** False when there was more than asked for, or the connection broke off. */
  readonly complete: boolean;
}

/** How much of which answer is read. */
export interface BodyBounds {
  readonly bytesMax: number;
  /** Of the answer: the body of an error may break off, its status was said before. */
  readonly status: number;
}

/** Of an error only a line is shown; what is longer than this is not worth its connection. */
const ERROR_BYTES_MAX = 65_536;

/**
 * Reads at most `bytesMax` bytes and gives the connection back; a longer body costs the connection,
 * which is cheaper than a registry that sends 1 GB of error. Throws where a good answer breaks off.
 */
export async function readBody(
  body: AsyncIterable<Buffer>,
  bounds: BodyBounds,
): Promise<BodyReading> {
  const isError = bounds.status >= 400;
  const bytesMax = isError ? Math.min(bounds.bytesMax, ERROR_BYTES_MAX) : bounds.bytesMax;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) break;
    }
  } catch (error) {
    if (!isError) throw error;
    return { body: joined(chunks, bytesMax), complete: false };
  }
  return { body: joined(chunks, bytesMax), complete: bytes <= bytesMax };
}

function joined(chunks: readonly Buffer[], bytesMax: number): Buffer {
  return Buffer.concat(chunks).subarray(0, bytesMax);
}
