import type { Registries } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import {
  DecisionRing,
  isWorthRecording,
  type RecordedReview,
} from '#core/insight/decision-ring.ts';
import type { ReviewCounts } from '#core/insight/insight.ts';
import { LatencyHistogram } from '#core/insight/latency.ts';
import { MinuteSlots } from '#core/insight/minute-slots.ts';
import type { Circuit } from '#core/insight/registry-view.ts';
import { Listeners } from '#core/listeners.ts';
import type { PodAdmission } from '#core/pod.ts';
import { isRewritten } from '#core/routing/decide.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { BoundedLabel } from '#telemetry/bounded-label.ts';

/** A registry's circuit moved; wall time, ms. */
export interface RecordedMove {
  readonly atMs: number;
  readonly host: string;
  readonly from: Circuit;
  readonly to: Circuit;
  readonly reason: string;
}

/** What is recorded at once, as it happens. */
export type RecordedNews =
  | { readonly kind: 'review'; readonly review: RecordedReview }
  | { readonly kind: 'move'; readonly move: RecordedMove };

/** What a recorder is made of. */
export interface RecorderOptions extends Pick<Runtime, 'now'> {
  /** Whether a registry keeps its place whatever else there is. */
  readonly isKept: (host: string) => boolean;
}

/** Moves that are kept: an hour in which ten registries flap. */
const movesMax = 2_000;
/** Registries whose latencies are kept, of each an hour in 4 KB. */
const registriesMax = 200;
/** Circuits that are known: as many as there are actors of registries. */
const circuitsMax = 1_000;

/**
 * Remembers what this process saw in the last hour, for people who look. It stands in the way of
 * reviews, so it only keeps references; what is shown is made when somebody asks.
 */
export class Recorder {
  readonly reviews = new DecisionRing();
  readonly news = new Listeners<[RecordedNews]>();
  readonly #now: () => number;
  readonly #counts = new MinuteSlots<ReviewCounts>(() => ({
    admitted: 0,
    rerouted: 0,
    unserved: 0,
  }));
  readonly #latencies = new Map<string, MinuteSlots<LatencyHistogram>>();
  /** What somebody in charge named keeps its place, whatever Pods name besides. */
  readonly #hosts: BoundedLabel;
  /** Wall time, ms: when the circuit of a registry moved last; of the others it never did. */
  readonly #movedMs = new BoundedMap<string, number>(circuitsMax);
  #moves: RecordedMove[] = [];

  constructor({ now, isKept }: RecorderOptions) {
    this.#now = now;
    const evicted = (host: string) => void this.#latencies.delete(host);
    this.#hosts = new BoundedLabel(registriesMax, { isKept, evicted });
  }

  /** One review that was answered in time; a dry run is nobody's Pod. */
  readonly review = (
    { pod, namespace, dryRun }: PodAdmission,
    decisions: readonly RouteDecision[],
  ): void => {
    if (dryRun) return;
    const atMs = this.#now();
    const counts = this.#counts.at(atMs);
    counts.admitted += 1;
    if (!decisions.some(isWorthRecording)) return;
    if (decisions.some(isRewritten)) counts.rerouted += 1;
    if (decisions.some(({ reason }) => reason === 'NothingAvailable')) counts.unserved += 1;
    const { metadata } = pod;
    const about = { namespace, ...(metadata !== undefined && { metadata }) };
    const review = this.reviews.record(about, decisions, atMs);
    this.news.tell({ kind: 'review', review });
  };

  /** Hears of registries from now on. */
  readonly watch = (registries: Registries): void => {
    const circuits = new BoundedMap<string, Circuit>(circuitsMax);
    registries.onReachability((host, reachability = 'Closed') => {
      // A registry that is down is asked each few seconds: that is no news until it answers.
      const to = reachability === 'HalfOpen' ? 'Open' : reachability;
      const from = circuits.get(host) ?? 'Closed';
      circuits.set(host, to);
      if (from === to) return;
      const move = { atMs: this.#now(), host, from, to, reason: registries.troubleOf(host) ?? '' };
      this.#moves.push(move);
      this.#movedMs.set(host, move.atMs);
      if (this.#moves.length > movesMax * 2) this.#moves = this.#moves.slice(-movesMax);
      this.news.tell({ kind: 'move', move });
    });
    registries.onTimed((registry, ms, isFailed) => {
      const host = this.#hosts.name(registry);
      const known = this.#latencies.get(host);
      const slots = known ?? new MinuteSlots(() => new LatencyHistogram());
      if (known === undefined) this.#latencies.set(host, slots);
      slots.at(this.#now()).add(ms, isFailed);
    });
  };

  /** Oldest first. */
  readonly moves = (): readonly RecordedMove[] => this.#moves.slice(-movesMax);

  /** Since when its circuit is what it is; `undefined` where it never moved. */
  readonly circuitSinceMs = (host: string): number | undefined => this.#movedMs.get(host);

  readonly counts = () => this.#counts.entries(this.#now());

  readonly latencyOf = (host: string) => this.#latencies.get(host)?.entries(this.#now()) ?? [];
}
