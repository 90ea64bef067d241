import type { Result } from '#core/result.ts';
import { succeed } from '#core/result.ts';

/** Does something with each item, so many at once; the first failure ends it, aborting the others. */
export async function inLanes<Item, E>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<Result<unknown, E>>,
): Promise<Result<void, E>> {
  const waiting = items.values();
  let failure: Result<never, E> | undefined;
  const lane = async (): Promise<void> => {
    for (const item of waiting) {
      if (failure !== undefined) return;
      const done = await work(item);
      if (!done.ok) failure ??= done;
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  return failure ?? succeed(undefined);
}
