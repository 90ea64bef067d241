/**
 * Runs work, and answers how long the event loop was held at a time while it ran, in ms. Counted is
 * the time of this thread on a core: other tests that run meanwhile must not count.
 */
export async function longestTurn<T>(
  work: () => Promise<T>,
): Promise<{ readonly longestMs: number; readonly result: T }> {
  let longestMs = 0;
  let last = process.threadCpuUsage();
  let watching = setImmediate(function look() {
    const { user, system } = process.threadCpuUsage(last);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
    last = process.threadCpuUsage();
    watching = setImmediate(look);
  });
  try {
    const result = await work();
    return { longestMs, result };
  } finally {
    clearImmediate(watching);
  }
}
