import type { Runtime } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { Credential } from '#core/credentials.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { Listeners } from '#core/listeners.ts';
import { type Pace, slotMsOf } from '#core/monitoring/pace.ts';
import type { ExceededQuota, Reachability, RegistryRef } from '#machines/registry.ts';
import type { OciClient } from '#oci/client.ts';
import { CheckTurns } from './check-turns.ts';
import { probeImage } from './probe-image.ts';
import {
  type Answered,
  type AskOptions,
  type AskRegistry,
  RegistryHost,
  type RegistryProbe,
  reachabilityOf,
  type SetAside,
} from './registry-host.ts';
import { type RegistriesLogic, registriesLogic } from './registry-logic.ts';
import type { RegistryNews } from './registry-news.ts';

export type { RegistryProbe } from './registry-host.ts';

/** Adds the registry actors to the system; nothing is asked before it is started. */
export function addRegistries(system: KuikSystem, options: RegistriesOptions): Registries {
  const registries = new Registries(system, options);
  const { turns } = registries;
  system.always({
    id: registriesId,
    logic: registriesLogic(system.runtime, { ...options, turns }),
  });
  return registries;
}

/** What the registries are made of. */
export interface RegistriesOptions {
  readonly client: Pick<OciClient, 'manifest' | 'ping'>;
  readonly treatmentOf: (host: string) => RegistryTreatment;
  readonly paceOf: (host: string) => Pace;
  /** How long a background probe may take: as long as any probe, `routing.activeCheck.timeout`. */
  readonly pingTimeoutMs: number;
  /** By the client unless told. */
  readonly probeImage?: AskRegistry;
}

/** How one registry is treated. */
export interface RegistryTreatment {
  /** Requests at once; `concurrencyDefault` unless told. */
  readonly concurrency?: number;
  readonly trust?: boolean;
}

/** Behaviour §7: `registries.<host>.concurrency`. */
export const concurrencyDefault = 256;
/** A registry nobody asked for so long loses its actor; the next who asks pays to find out. */
export const idleMs = 600_000;
/**
 * Registries with an actor at once: their names come from whoever writes a Pod. Those that are
 * checked are as many as are tracked, and come on top.
 */
export const registriesMax = 1_000;

/** What a registry said about one image, and how it came to be known. */
export interface ProbeAnswer extends Answered {
  /** From the question to this answer, ms. */
  readonly ms: number;
  /** From memory: nothing was sent. */
  readonly remembered: boolean;
}

/** The answer about one image, or why there is none; `Abandoned`: nobody waits any more. */
export type ProbeReport = ProbeAnswer | SetAside | { readonly kind: 'Abandoned' };

/** Told of what a registry answered just now. */
export type AnswerListener = (probe: RegistryProbe, answer: ProbeAnswer) => void;

const registriesId = 'registries';

interface Entry {
  readonly host: RegistryHost;
  usedMs: number;
  cancelSweep: () => void;
}

/** The one door to the registries of the world, for all who ask them. */
export class Registries {
  /** When images are checked, while this process leads. */
  readonly turns: CheckTurns;
  readonly #runtime: Runtime;
  readonly #find: KuikSystem['find'];
  readonly #options: RegistriesOptions;
  /** In the order of their last use, longest ago first. */
  readonly #entries = new Map<string, Entry>();
  /** Host → when it was checked last, for the next actor of a registry that lost its own. */
  readonly #lastChecks = new BoundedMap<string, number>(registriesMax);
  readonly #answers = new Listeners<Parameters<AnswerListener>>();
  readonly #times = new Listeners<[host: string, ms: number, isFailed: boolean]>();
  readonly #moves = new Listeners<[host: string, reachability: Reachability | undefined]>();

  constructor({ runtime, find }: Pick<KuikSystem, 'runtime' | 'find'>, options: RegistriesOptions) {
    this.#runtime = runtime;
    this.#find = find;
    this.#options = options;
    this.turns = new CheckTurns(runtime, {
      paceOf: options.paceOf,
      // Half of all requests in flight: what hangs without a limit leaves the rest to routing.
      inFlightMaxOf: (host) => Math.max(1, Math.floor(this.#concurrencyOf(host) / 2)),
      actorOf: (host) => this.actorOf(host),
      keep: (host) => this.#use(host),
    });
  }

  /** Hosts that have an actor now. */
  readonly hosts = (): readonly string[] => [...this.#entries.keys()];

  /** Routed to without a probe (`registries.<host>.trust`). */
  readonly isTrusted = (host: string): boolean =>
    this.#options.treatmentOf(registryHost(host)).trust === true;

  /** What its actor says; a registry nobody has asked yet is `Closed`. */
  readonly reachability = (host: string): Reachability =>
    reachabilityOf(this.actorOf(registryHost(host)));

  /** Tells of what registries answer to all but those who ask quietly; returns how to stop that. */
  readonly onAnswer = this.#answers.subscribe;

  /** Tells of each change of a registry's reachability; returns how to stop that. */
  readonly onReachability = this.#moves.subscribe;

  /** Tells how long each answer took that was asked for; returns how to stop that. */
  readonly onTimed = this.#times.subscribe;

  /** What the last connection failed of; null while all is well. */
  readonly troubleOf = (host: string): string | null =>
    this.actorOf(registryHost(host))?.getSnapshot().context.trouble ?? null;

  /** Asks a registry about one image, unless it is set aside. */
  readonly probe = async (
    probe: RegistryProbe,
    signal: AbortSignal,
    ask: AskOptions = {},
  ): Promise<ProbeReport> => {
    const { clock } = this.#runtime;
    const askedMs = clock.now();
    const registry = registryHost(probe.reference.registry);
    const entry = this.#use(registry);
    if (entry === undefined) {
      return { kind: 'SetAside', message: `more than ${registriesMax} registries are being asked` };
    }
    const shared = await entry.host.probe(probe, signal, ask);
    if (shared === undefined) return { kind: 'Abandoned' };
    const { value, remembered } = shared;
    if (value.kind === 'SetAside') return value;
    const answer = { ...value, ms: clock.now() - askedMs, remembered };
    if (!remembered) this.#times.tell(registry, answer.ms, value.outcome.kind === 'Unreachable');
    if (!remembered && !ask.isQuiet && !ask.isCheck) this.#answers.tell(probe, answer);
    return answer;
  };

  /**
   * What `probe` would answer at once from memory; undefined where it would not, be it that nobody
   * asked a moment ago or that the registry is set aside.
   */
  readonly recall = (probe: Omit<RegistryProbe, 'timeoutMs'>): ProbeAnswer | undefined => {
    const registry = registryHost(probe.reference.registry);
    const entry = this.#entries.get(registry);
    const value = entry?.host.recall(probe);
    if (entry === undefined || value?.kind !== 'Answered') return undefined;
    if (entry.host.reachability !== 'Closed') return undefined;
    this.#touch(registry, entry);
    return { ...value, ms: 0, remembered: true };
  };

  /** What came of asking a registry by another way than a probe: its actor and all others hear of it. */
  readonly tell = (registry: string, news: RegistryNews): void =>
    this.#use(registryHost(registry))?.host.tell(news);

  /** Why none of these credentials may be used at a registry now; undefined where one may. */
  readonly quotaOf = (
    registry: string,
    credentials: readonly Credential[],
  ): ExceededQuota | undefined =>
    this.#entries.get(registryHost(registry))?.host.quotaOf(credentials);

  /** Ends what is in flight and lets all actors go. */
  readonly close = (): void => {
    this.turns.end();
    for (const host of this.hosts()) this.#drop(host);
  };

  #concurrencyOf(host: string): number {
    return this.#options.treatmentOf(host).concurrency ?? concurrencyDefault;
  }

  /** After a crash of the supervisor it is another one. */
  #supervisor() {
    return this.#find<RegistriesLogic>(registriesId);
  }

  /** The actor of a registry, by the one name of its host. */
  actorOf(host: string): RegistryRef | undefined {
    return this.#supervisor()?.getSnapshot().children.get(host);
  }

  #use(host: string): Entry | undefined {
    const entry = this.#entries.get(host) ?? this.#add(host);
    if (entry === undefined) return undefined;
    this.#touch(host, entry);
    this.#watch(host, entry);
    return entry;
  }

  #touch(host: string, entry: Entry): void {
    entry.usedMs = this.#runtime.clock.now();
    this.#entries.delete(host);
    this.#entries.set(host, entry);
  }

  #add(name: string): Entry | undefined {
    const { clock } = this.#runtime;
    const { client } = this.#options;
    const isKept = this.turns.keeps(name);
    const isFull = this.#entries.size - this.turns.kept >= registriesMax;
    if (isFull && !isKept && !this.#evict()) return undefined;
    const host = new RegistryHost(this.#runtime, {
      host: name,
      concurrency: this.#concurrencyOf(name),
      probeImage:
        this.#options.probeImage ??
        ((probe, signal, heard) => probeImage({ ...probe, client, clock, heard }, signal)),
      moved: (reachability) => this.#moves.tell(name, reachability),
      actor: () => this.actorOf(name),
    });
    const cancelSweep = clock.after(idleMs, () => this.#sweep(name));
    return { host, usedMs: clock.now(), cancelSweep };
  }

  /** An actor that was restarted is another one, so this is looked at with every use. */
  #watch(name: string, entry: Entry): void {
    if (this.actorOf(name) === undefined) {
      const slotMs = slotMsOf(this.#options.paceOf(name));
      const input = { host: name, slotMs, lastMs: this.#lastChecks.get(name) ?? null };
      // One that crashed is known to the supervisor, which starts it again in its own time.
      this.#supervisor()?.send({ type: 'child.add', key: name, input });
    }
    entry.host.watch();
  }

  /** Lets go of the one that was not used for longest and that nobody waits for. */
  #evict(): boolean {
    for (const [name, entry] of this.#entries) {
      if (this.#isNeeded(name, entry)) continue;
      this.#drop(name);
      return true;
    }
    return false;
  }

  #isNeeded(name: string, { host }: Entry): boolean {
    return host.busy > 0 || this.turns.keeps(name);
  }

  #sweep(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const { clock } = this.#runtime;
    const leftMs = entry.usedMs + idleMs - clock.now();
    if (leftMs <= 0 && !this.#isNeeded(name, entry)) {
      this.#drop(name);
      return;
    }
    // One that is needed for so long without a new use is looked at again after as long.
    const againMs = leftMs > 0 ? leftMs : idleMs;
    entry.cancelSweep = clock.after(againMs, () => this.#sweep(name));
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const { lastMs = null } = this.actorOf(name)?.getSnapshot().context ?? {};
    if (lastMs !== null) this.#lastChecks.set(name, lastMs);
    this.#entries.delete(name);
    entry.cancelSweep();
    entry.host[Symbol.dispose]();
    this.#supervisor()?.send({ type: 'child.remove', key: name });
  }
}
