import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait and how often to look. */
export interface EventuallyOptions {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/** Long enough for a loaded machine; a test that waits for less says so. */
const withinMsDefault = 15_000;
/**
 * When the operator is left out on purpose, nothing will come: no need to wait for it. Some hundred
 * tests wait so long each; what the control plane does by itself is there by then or takes seconds.
 */
const withinMsWithoutOperator = 200;
const everyMsDefault = 50;

/** Whether this run leaves the operator out, to show that no test passes without it. */
export const operatorLeftOut = process.env['KUIK_TEST_NO_OPERATOR'] === '1';

/**
 * Waits for a state of the world: the first value of `look` that is neither `undefined`, `false`
 * nor a failed assertion. Throws with `what`, and with why the last look was not it.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: EventuallyOptions = {},
): Promise<T> {
  const asked = options.withinMs ?? withinMsDefault;
  const withinMs = operatorLeftOut ? Math.min(asked, withinMsWithoutOperator) : asked;
  return await untilReady(what, look, { ...options, withinMs });
}

/** As `eventually`, for what the operator has no part in: the parts that tests are made of. */
export async function untilReady<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: EventuallyOptions = {},
): Promise<T> {
  const withinMs = options.withinMs ?? withinMsDefault;
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await attempt(look);
    if (seen.found) return seen.value;
    if (performance.now() >= deadlineMs) {
      throw new Error(`Expected within ${withinMs} ms: ${what}. ${seen.reason}`, {
        cause: seen.cause,
      });
    }
    await delay(options.everyMs ?? everyMsDefault);
  }
}

type Seen<T> =
  | { readonly found: true; readonly value: T }
  | { readonly found: false; readonly reason: string; readonly cause?: unknown };

async function attempt<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<Seen<T>> {
  try {
    const value = await look();
    if (value !== undefined && value !== false) return { found: true, value };
    return { found: false, reason: 'It was not so at the last look.' };
  } catch (cause) {
    return { found: false, reason: cause instanceof Error ? cause.message : String(cause), cause };
  }
}
