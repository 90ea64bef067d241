import type { Runtime } from '#actors/runtime.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { CopyQueue, type CopyTurn } from '#core/mirroring/copy-queue.ts';
import { nextSlotMs, type Pace, slotMsOf } from '#core/monitoring/pace.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** What holds copies back, and where they go on. */
export interface SourceGateOptions {
  /** How many images begin to be read an interval (`registries.<host>.copies`); none by default. */
  readonly paceOf: (host: string) => Pace | undefined;
  /** Until when a source must be left to Pods, wall time in ms. */
  readonly heldUntilMs: (host: string) => number | undefined;
  readonly turnOf: (copy: MirroredCopy) => Omit<CopyTurn, 'id'>;
  /** It may be read: it goes on to the line of its mirror. */
  readonly pass: (copy: MirroredCopy) => void;
}

/** What waits for one source. */
interface Line {
  readonly waiting: CopyQueue<MirroredCopy>;
  /** By key, to find those of the same image. */
  readonly copies: Map<string, MirroredCopy>;
  /** When an image began to be read last, on the clock of the process. */
  lastMs: number | null;
  cancel: (() => void) | undefined;
}

/**
 * Where copies wait for their source, before they take a place in the line of their mirror: a source
 * that is to be left to Pods, or read at a pace, holds up nobody else. All copies of one image go on
 * together, since one read serves them.
 */
export class SourceGate {
  readonly #runtime: Runtime;
  readonly #options: SourceGateOptions;
  readonly #lines = new Map<string, Line>();
  /** Those that have gone on, and may take another turn in the line of their mirror. */
  readonly #passed = new Set<MirroredCopy>();

  constructor(runtime: Runtime, options: SourceGateOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** It is to be copied: at once, or when its source may be read. */
  readonly put = (copy: MirroredCopy): void => {
    const host = registryHost(copy.source.registry);
    const { paceOf, heldUntilMs, turnOf } = this.#options;
    const isFree = paceOf(host) === undefined && heldUntilMs(host) === undefined;
    const line = this.#lines.get(host);
    if (this.#passed.has(copy) || (isFree && line === undefined)) {
      this.#passed.add(copy);
      this.#options.pass(copy);
      return;
    }
    const { waiting, copies } = line ?? this.#open(host);
    const turn = turnOf(copy);
    if (copies.has(copy.key)) waiting.setTurn(copy.key, turn);
    else waiting.enqueue(copy, { id: copy.key, ...turn });
    copies.set(copy.key, copy);
    this.#arm(host);
  };

  /** Its turn has come at its mirror: whether its source may still be read; if not, it waits here. */
  readonly admits = (copy: MirroredCopy): boolean => {
    if (this.#options.heldUntilMs(registryHost(copy.source.registry)) === undefined) return true;
    this.#passed.delete(copy);
    this.put(copy);
    return false;
  };

  readonly remove = (copy: MirroredCopy): void => {
    this.#passed.delete(copy);
    const host = registryHost(copy.source.registry);
    const line = this.#lines.get(host);
    line?.waiting.remove(copy.key);
    line?.copies.delete(copy.key);
  };

  /** How many wait here for each mirror. */
  readonly waiting = (): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const { copies } of this.#lines.values()) {
      for (const { target } of copies.values()) counts.set(target, (counts.get(target) ?? 0) + 1);
    }
    return counts;
  };

  readonly clear = (): void => {
    for (const { cancel } of this.#lines.values()) cancel?.();
    this.#lines.clear();
    this.#passed.clear();
  };

  #open(host: string): Line {
    const line: Line = {
      ...{ waiting: new CopyQueue<MirroredCopy>(), copies: new Map() },
      ...{ lastMs: null, cancel: undefined },
    };
    this.#lines.set(host, line);
    return line;
  }

  #arm(host: string): void {
    const line = this.#lines.get(host);
    if (line === undefined || line.cancel !== undefined) return;
    line.cancel = this.#runtime.clock.after(this.#delayMs(host, line), () => this.#release(host));
  }

  #delayMs(host: string, { lastMs }: Line): number {
    const { clock, now } = this.#runtime;
    const pace = this.#options.paceOf(host);
    const slotMs = pace === undefined ? 0 : nextSlotMs({ lastMs }, slotMsOf(pace)) - clock.now();
    const heldMs = (this.#options.heldUntilMs(host) ?? now()) - now();
    return Math.max(0, slotMs, heldMs);
  }

  #release(host: string): void {
    const line = this.#lines.get(host);
    if (line === undefined) return;
    line.cancel = undefined;
    if (this.#delayMs(host, line) > 0) {
      this.#arm(host);
      return;
    }
    const next = line.waiting.dequeue();
    if (next !== undefined) {
      line.lastMs = this.#runtime.clock.now();
      for (const copy of [...line.copies.values()]) {
        if (copy.image !== next.image) continue;
        this.remove(copy);
        this.#passed.add(copy);
        this.#options.pass(copy);
      }
    }
    if (line.copies.size > 0) this.#arm(host);
    // Its pace is remembered; what is only held goes on at once the next time.
    else if (this.#options.paceOf(host) === undefined) this.#lines.delete(host);
  }
}
