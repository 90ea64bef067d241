import { readFileSync } from 'node:fs';

/**
 * Loaded before a process's own modules (`--import`): its wall clock is off by as many milliseconds as
 * the file says that `TEST_CLOCK_FILE` names, from one look to the next. The monotonic clock goes on,
 * as it does on a machine whose time is set.
 */
const file = process.env['TEST_CLOCK_FILE'] ?? '';
const lookEveryMs = 20;
const realNow = Date.now;
let offsetMs = 0;

function look(): void {
  try {
    offsetMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // Between a write's truncation and its bytes there is nothing: it stays as it was.
  }
}

/** What `Date` is in that process. */
class JumpingDate extends Date {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [JumpingDate.now()] : given) as [number]));
  }

  static override now(): number {
    return realNow() + offsetMs;
  }
}

globalThis.Date = JumpingDate as DateConstructor;
setInterval(look, lookEveryMs).unref();
