/** Bytes of a block: large enough that writing it costs one call, small enough to hold many. */
export const BLOCK_BYTES = 256 * 1024;

/** Blocks that are kept for the next transfer: what a few images at once have in flight. */
const FREE_MAX = 32;

const free: Buffer[] = [];

/** An empty block, one that was given back where there is any. */
export function takeBlock(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/**
 * Gives a block back once nobody reads it any more. Only whole ones: a socket says when it has sent
 * a large buffer, of a small one it may still hold the bytes.
 */
export function giveBlock(block: Buffer): void {
  if (block.length === BLOCK_BYTES && free.length < FREE_MAX) free.push(block);
}
