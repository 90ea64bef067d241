import type { TimerHeap } from '#actors/timer-heap.ts';
import type { BoundedMap } from '#core/bounded-map.ts';
import { createPacer, type Pace, type Pacer, recordedMsMax } from '#core/monitoring/pace.ts';
import type { RegistryPace } from '#core/monitoring/pace-view.ts';
import { type ClockReading, toMonotonicMs, toWallMs } from '#core/monitoring/stored-time.ts';

/** The pacers of all registries while this process leads, run by the timer heap. */
export interface AvailabilityPacers {
  /** The pacer of a registry, to put images in line; nothing is taken before `open`. */
  readonly use: (registry: string, run: (pacer: Pacer) => void) => void;
  /** A status says that an image of this registry was checked then (wall time, ms). */
  readonly recorded: (registry: string, lastMonitorMs: number | undefined) => void;
  /** All that was tracked before is in line: turns are taken from now on. */
  readonly open: () => void;
  readonly clocks: () => ClockReading;
  readonly figures: () => readonly RegistryPace[];
  readonly slotMsOf: (registry: string) => number;
  /** No turn is taken any more. */
  readonly close: () => void;
}

/** What the pacers run on. */
export interface AvailabilityPacersOptions {
  readonly clock: TimerHeap;
  /** Wall time in ms. */
  readonly now: () => number;
  readonly paceOf: (registry: string) => Pace;
  /** Checks at once on one registry: what hangs there must leave places for routing. */
  readonly inFlightMaxOf: (registry: string) => number;
  /** Registry → monotonic time of the last check of this process, kept from term to term. */
  readonly memory: Pick<BoundedMap<string, number>, 'get' | 'set'>;
  /**
   * Wall time up to which checks may have been sent that nobody recorded: a leader before this one
   * ended without a word. `unknown` where there is no Lease that would tell.
   */
  readonly unrecordedUntilMs: number | 'unknown' | undefined;
  /** Runs one turn to its end; the pacer has been told to `take` it. */
  readonly run: (registry: string, key: string, pacer: Pacer) => Promise<void>;
  readonly onBug: (error: unknown) => void;
}

/** Makes them for one term; the caller closes them. */
export function createAvailabilityPacers(options: AvailabilityPacersOptions): AvailabilityPacers {
  return new HostPacers(options);
}

interface Host {
  readonly registry: string;
  readonly pacer: Pacer;
  running: number;
  /** Whether this process has had an answer from it. */
  isMet: boolean;
  cancel: () => void;
}

class HostPacers implements AvailabilityPacers {
  readonly #options: AvailabilityPacersOptions;
  readonly #hosts = new Map<string, Host>();
  readonly #bornMs: number;
  #isOpen = false;
  #isClosed = false;

  constructor(options: AvailabilityPacersOptions) {
    this.#options = options;
    this.#bornMs = options.clock.now();
  }

  readonly clocks = (): ClockReading => ({
    wallMs: this.#options.now(),
    monotonicMs: this.#options.clock.now(),
  });

  readonly use = (registry: string, run: (pacer: Pacer) => void): void => {
    const host = this.#host(registry);
    run(host.pacer);
    this.#arm(host);
  };

  readonly recorded = (registry: string, lastMonitorMs: number | undefined): void => {
    const { pacer } = this.#host(registry);
    if (this.#options.unrecordedUntilMs === 'unknown') pacer.resume(this.#bornMs);
    if (lastMonitorMs === undefined) return;
    pacer.resume(toMonotonicMs(lastMonitorMs, this.clocks()) + recordedMsMax);
  };

  readonly open = (): void => {
    this.#isOpen = true;
    for (const host of this.#hosts.values()) this.#arm(host);
  };

  readonly close = (): void => {
    this.#isClosed = true;
    for (const { registry, pacer, cancel } of this.#hosts.values()) {
      cancel();
      const { lastMs } = pacer.figures();
      if (lastMs !== undefined) this.#options.memory.set(registry, lastMs);
    }
  };

  readonly slotMsOf = (registry: string): number => this.#host(registry).pacer.slotMs;

  readonly figures = (): readonly RegistryPace[] =>
    [...this.#hosts.values()].map((host) => this.#figuresOf(host));

  #figuresOf({ registry, pacer, running }: Host): RegistryPace {
    const { queued, lastMs, heldUntilMs } = pacer.figures();
    const clocks = this.clocks();
    const nextMs = this.#isOpen ? pacer.nextMs() : undefined;
    const overdueMs = nextMs === undefined ? 0 : clocks.monotonicMs - nextMs;
    const isHeld = heldUntilMs !== undefined && heldUntilMs > clocks.monotonicMs;
    return {
      ...{ registry, queued, inFlight: running, slotMs: pacer.slotMs },
      lagMs: Number.isFinite(overdueMs) ? Math.max(0, overdueMs) : 0,
      ...(lastMs !== undefined && { lastCheckMs: toWallMs(lastMs, clocks) }),
      ...(isHeld && { heldUntilMs: toWallMs(heldUntilMs, clocks) }),
    };
  }

  #host(registry: string): Host {
    const known = this.#hosts.get(registry);
    if (known !== undefined) return known;
    const { paceOf, memory, unrecordedUntilMs } = this.#options;
    const pacer = createPacer(paceOf(registry));
    const own = memory.get(registry);
    if (own !== undefined) pacer.resume(own);
    if (typeof unrecordedUntilMs === 'number') {
      pacer.resume(toMonotonicMs(unrecordedUntilMs, this.clocks()));
    }
    const host: Host = { registry, pacer, running: 0, isMet: false, cancel: () => {} };
    this.#hosts.set(registry, host);
    return host;
  }

  #arm(host: Host): void {
    host.cancel();
    if (!this.#isOpen || this.#isClosed || this.#isFull(host)) return;
    const nextMs = host.pacer.nextMs();
    if (nextMs === undefined) return;
    const { clock } = this.#options;
    // One who may be checked at once has no time: less than any.
    const delayMs = Math.max(0, nextMs - clock.now());
    host.cancel = clock.after(Number.isFinite(delayMs) ? delayMs : 0, () => this.#turn(host));
  }

  #isFull({ registry, running }: Host): boolean {
    return running >= this.#options.inFlightMaxOf(registry);
  }

  #turn(host: Host): void {
    const key = host.pacer.take(this.#options.clock.now());
    if (key === undefined) {
      this.#arm(host);
      return;
    }
    host.running += 1;
    void this.#options
      .run(host.registry, key, host.pacer)
      .catch(this.#options.onBug)
      .finally(() => {
        host.running -= 1;
        this.#meet(host);
        this.#arm(host);
      });
  }

  /**
   * The first request to a registry leaves late: what it is sent by is loaded and connected first,
   * in whatever way the registry speaks. Its answer is what the next slot counts from, or the two
   * would arrive closer together than a slot.
   */
  #meet(host: Host): void {
    if (host.isMet) return;
    host.isMet = true;
    host.pacer.resume(this.#options.clock.now());
  }
}
