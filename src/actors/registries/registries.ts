import type { ActorRefFrom } from 'xstate';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import type { Reachability, registryMachine } from '#machines/registry.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { RegistriesLogic } from './registries-logic.ts';
import { type HostAnswer, RegistryHost, type RegistryProbe } from './registry-host.ts';

export type { RegistryProbe } from './registry-host.ts';

/** What a registry said about one image, or why it was not asked. */
export type ProbeReport =
  | {
      readonly kind: 'Answered';
      readonly outcome: ProbeOutcome;
      /** From the question to this answer, ms. */
      readonly ms: number;
      /** Position in the request's credentials of the one that was let in. */
      readonly credentialIndex?: number;
      /** From memory, or from a quota that is known to be used up: nothing was sent. */
      readonly remembered: boolean;
    }
  /** Down, suspected or overrun: no request was sent. */
  | { readonly kind: 'SetAside'; readonly message: string }
  /** Whoever asked does not wait any more. */
  | { readonly kind: 'Abandoned' };

/** How one asks. */
export interface AskOptions {
  /** Ask although the registry is set aside: nothing else was available. */
  readonly insist?: boolean;
  /** Nobody else is told: a check knows of its answer by itself, and a dry run changes nothing. */
  readonly isQuiet?: boolean;
}

/** The registries of the world as one sees them who wants to know whether an image is there. */
export interface Registries {
  readonly probe: (
    probe: RegistryProbe,
    signal: AbortSignal,
    options?: AskOptions,
  ) => Promise<ProbeReport>;
  /**
   * What `probe` would answer at once from memory; undefined where it would not, be it that nobody
   * asked a moment ago or that the registry is set aside.
   */
  readonly recall: (probe: Omit<RegistryProbe, 'timeoutMs'>) => ProbeAnswer | undefined;
  /** Routed to without a probe (`registries.<host>.trust`). */
  readonly isTrusted: (host: string) => boolean;
  /** What its actor says; a registry nobody has asked yet is `Closed`. */
  readonly reachability: (host: string) => Reachability;
  /** Hosts that have an actor now. */
  readonly hosts: () => readonly string[];
  /** Ends what is in flight and lets all actors go. */
  readonly close: () => void;
}

/** How one registry is treated. */
export interface RegistryTreatment {
  /** Requests at once; `concurrencyDefault` unless told. */
  readonly concurrency?: number;
  readonly trust?: boolean;
}

/** Behaviour §7: `registries.<host>.concurrency`. */
export const concurrencyDefault = 4;
/** A registry nobody asked for so long loses its actor; the next who asks pays to find out. */
export const idleMs = 600_000;
/** Registries with an actor at once: their names come from whoever writes a Pod. */
export const registriesMax = 1_000;

/** What the registries need from outside. */
export interface RegistriesOptions {
  /** Finds the running supervisor of `registriesLogic`: after a crash it is another one. */
  readonly supervisor: () => ActorRefFrom<RegistriesLogic> | undefined;
  /** Asks one registry about one image, inside `timeoutMs` (probe-image.ts with its client). */
  readonly probeImage: (probe: RegistryProbe, signal: AbortSignal) => Promise<ProbeOutcome>;
  readonly treatmentOf: (host: string) => RegistryTreatment;
  readonly clock: TimerHeap;
  /** Wall time, ms: what `Retry-After` is measured with. */
  readonly now: () => number;
  readonly metrics: Pick<Metrics, 'registryHealth'>;
  /** Told of what a registry answered just now to anyone who does not ask quietly. */
  readonly onAnswer?: (probe: RegistryProbe, answer: ProbeAnswer) => void;
  /** Told of a probe that rejected when nobody waited for it. */
  readonly onBug: (error: unknown) => void;
}

/** What a registry said about one image. */
export type ProbeAnswer = Extract<ProbeReport, { kind: 'Answered' }>;

/** Makes the registries; the caller closes them. */
export function createRegistries(options: RegistriesOptions): Registries {
  return new RegistryActors(options);
}

type RegistryRef = ActorRefFrom<typeof registryMachine>;

interface Entry {
  readonly host: RegistryHost;
  usedMs: number;
  cancelSweep: () => void;
  /** The actor whose health is shown, and how to look away. */
  watched: RegistryRef | undefined;
  unwatch: () => void;
}

class RegistryActors implements Registries {
  readonly #options: RegistriesOptions;
  /** In the order of their last use, longest ago first. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: RegistriesOptions) {
    this.#options = options;
  }

  readonly hosts = (): readonly string[] => [...this.#entries.keys()];

  readonly isTrusted = (host: string): boolean => this.#options.treatmentOf(host).trust === true;

  readonly reachability = (host: string): Reachability => {
    // One that crashed and waits to be restarted knows nothing bad about its registry.
    return reachabilityOf(this.#actor(host));
  };

  readonly probe = async (
    probe: RegistryProbe,
    signal: AbortSignal,
    { insist = false, isQuiet = false }: AskOptions = {},
  ): Promise<ProbeReport> => {
    const { clock } = this.#options;
    const askedMs = clock.now();
    const { registry } = probe.reference;
    const entry = this.#use(registry);
    if (entry === undefined) {
      return { kind: 'SetAside', message: `more than ${registriesMax} registries are being asked` };
    }
    const actor = this.#actor(registry);
    if (!insist && reachabilityOf(actor) !== 'Closed') {
      const trouble = actor?.getSnapshot().context.trouble ?? 'a connection failed';
      return { kind: 'SetAside', message: trouble };
    }
    const flown = await entry.host.probe(probe, signal);
    if (flown === undefined) return { kind: 'Abandoned' };
    const told = report(flown, clock.now() - askedMs);
    const isNews = told.kind === 'Answered' && !told.remembered && !isQuiet;
    if (isNews) this.#options.onAnswer?.(probe, told);
    return told;
  };

  readonly recall = (probe: Omit<RegistryProbe, 'timeoutMs'>): ProbeAnswer | undefined => {
    const { registry } = probe.reference;
    const entry = this.#entries.get(registry);
    const value = entry?.host.recall(probe);
    if (entry === undefined || value?.kind !== 'Answered') return undefined;
    if (this.reachability(registry) !== 'Closed') return undefined;
    this.#touch(registry, entry);
    return { ...value, ms: 0, remembered: true };
  };

  readonly close = (): void => {
    for (const host of this.hosts()) this.#drop(host);
  };

  #actor(host: string): RegistryRef | undefined {
    return this.#options.supervisor()?.getSnapshot().children.get(host);
  }

  #use(host: string): Entry | undefined {
    const entry = this.#entries.get(host) ?? this.#add(host);
    if (entry === undefined) return undefined;
    this.#touch(host, entry);
    this.#watch(host, entry);
    return entry;
  }

  #touch(host: string, entry: Entry): void {
    entry.usedMs = this.#options.clock.now();
    this.#entries.delete(host);
    this.#entries.set(host, entry);
  }

  #add(name: string): Entry | undefined {
    const { probeImage, treatmentOf, clock, now, onBug } = this.#options;
    if (this.#entries.size >= registriesMax && !this.#evict()) return undefined;
    const host = new RegistryHost({
      host: name,
      concurrency: treatmentOf(name).concurrency ?? concurrencyDefault,
      clock,
      now,
      probeImage,
      onThrottled: (throttled) =>
        this.#actor(name)?.send({ type: throttled ? 'quota.exceeded' : 'quota.renewed' }),
      onSuspect: (message) => {
        this.#actor(name)?.send({ type: 'connection.failed', message });
        if (this.reachability(name) !== 'Closed') host.dismiss();
      },
      onBug,
    });
    const cancelSweep = clock.after(idleMs, () => this.#sweep(name));
    return { host, usedMs: clock.now(), cancelSweep, watched: undefined, unwatch: () => {} };
  }

  /** An actor that was restarted is another one, so this is looked at with every use. */
  #watch(name: string, entry: Entry): void {
    if (this.#actor(name) === undefined) {
      // One that crashed is known to the supervisor, which starts it again in its own time.
      this.#options.supervisor()?.send({ type: 'child.add', key: name, input: { host: name } });
    }
    const actor = this.#actor(name);
    if (actor === entry.watched) return;
    entry.unwatch();
    entry.watched = actor;
    const { metrics } = this.#options;
    metrics.registryHealth(name, reachabilityOf(actor));
    const subscription = actor?.subscribe({
      next: () => metrics.registryHealth(name, reachabilityOf(actor)),
      error: () => metrics.registryHealth(name, undefined),
    });
    entry.unwatch = () => subscription?.unsubscribe();
  }

  /** Lets go of the one that was not used for longest and that nobody waits for. */
  #evict(): boolean {
    for (const [name, { host }] of this.#entries) {
      if (host.busy > 0) continue;
      this.#drop(name);
      return true;
    }
    return false;
  }

  #sweep(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const leftMs = entry.usedMs + idleMs - this.#options.clock.now();
    if (leftMs <= 0 && entry.host.busy === 0) {
      this.#drop(name);
      return;
    }
    // One that is busy for so long without a new use is looked at again after as long.
    const againMs = leftMs > 0 ? leftMs : idleMs;
    entry.cancelSweep = this.#options.clock.after(againMs, () => this.#sweep(name));
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    entry.cancelSweep();
    entry.unwatch();
    entry.host[Symbol.dispose]();
    this.#options.metrics.registryHealth(name, undefined);
    this.#options.supervisor()?.send({ type: 'child.remove', key: name });
  }
}

function reachabilityOf(actor: RegistryRef | undefined): Reachability {
  const value = actor?.getSnapshot().value;
  return typeof value === 'object' ? value.Known.reachability : 'Closed';
}

function report(
  { value, remembered }: { readonly value: HostAnswer; readonly remembered: boolean },
  ms: number,
): ProbeReport {
  return value.kind === 'SetAside' ? value : { ...value, ms, remembered };
}
