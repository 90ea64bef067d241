import type { ReflectorSnapshot } from '#actors/reflectors.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { MirrorReporting } from '#actors/reporting/mirror-reporting.ts';
import type { Reporting } from '#actors/reporting/reporting.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KuikResource } from '#api/kinds.ts';
import { findAttention, linkTo } from '#core/insight/attention.ts';
import { hasText } from '#core/insight/decision-ring.ts';
import type {
  DecisionPage,
  DecisionQuery,
  InsightNews,
  InsightPort,
  Overview,
  Recent,
  Timeline,
} from '#core/insight/insight.ts';
import { registryMap } from '#core/insight/registry-map.ts';
import { byNeed, type RegistryView } from '#core/insight/registry-view.ts';
import { formatTime } from '#core/rfc3339.ts';
import type { RoutingQuery } from '#core/routing/admission.ts';
import { isRewritten } from '#core/routing/decide.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { listPods, tellStory } from './pod-stories.ts';
import { podsByRegistry } from './pods-by-registry.ts';
import type { Recorder } from './recorder.ts';
import { showMove, showNews, showReview } from './show-review.ts';

/** What the page's answers are made from. */
export interface InsightOptions {
  readonly recorder: Recorder;
  readonly registries: Registries;
  readonly resources: Pick<WatchedResources, 'pods' | 'kuik'>;
  readonly reporting: Pick<Reporting, 'images' | 'workloads'>;
  readonly mirroring: { readonly reporting: Pick<MirrorReporting, 'report'> };
  readonly router: Pick<RoutingQuery, 'explain'>;
}

/** What a page shows at most. */
const attentionMax = 100;
const recentMax = 200;
const registriesMax = 200;
const reroutedMax = 2_000;
const brokenMax = 50;
/** Who leads is looked at so often while somebody follows, ms. */
const leaderEveryMs = 1_000;

/** The door of what people look at: `InsightPort` of this process. */
export class Insight implements InsightPort {
  readonly #system: KuikSystem;
  readonly #options: InsightOptions;

  constructor(system: KuikSystem, options: InsightOptions) {
    this.#system = system;
    this.#options = options;
    options.recorder.watch(options.registries);
  }

  readonly overview = async (): Promise<Overview> => {
    const { reporting, mirroring } = this.#options;
    const registries = await this.#registries();
    const { workloads } = await reporting.workloads();
    const { images, mirrored, failed, running, faults } = await mirroring.reporting.report();
    const attention = findAttention({
      ...{ registries, workloads, copies: faults, resources: this.#resources() },
      ...{ broken: this.#broken(), unwatched: this.#unwatched(), leader: this.#leader() },
    });
    return {
      ...{ leader: this.#leader(), leads: this.#system.leads(), at: this.#at() },
      ...{ attention: attention.slice(0, attentionMax), attentionTotal: attention.length },
      recent: this.#recent(),
      registries: registries.slice(0, registriesMax),
      registriesTotal: registries.length,
      images: await this.#imagesByStatus(),
      copies: { running, byState: { images, mirrored, failed } },
    };
  };

  readonly map = async () => registryMap(this.#resources(), await this.#registries());

  readonly pods: InsightPort['pods'] = async (query) =>
    await listPods(this.#options.resources.pods.values(), query);

  readonly pod: InsightPort['pod'] = async (namespace, name, signal) => {
    const { recorder, resources, router } = this.#options;
    const pod = resources.pods.get(`${namespace}/${name}`);
    return pod && (await tellStory(pod, { recorder, explain: router.explain }, signal));
  };

  readonly decisions = ({ after = 0, q, limit }: DecisionQuery): DecisionPage => {
    const { reviews } = this.#options.recorder;
    const asked = reviews.newest().filter((review) => review.id > after && hasText(review, q));
    return { decisions: asked.slice(0, limit).map(showReview), forgotten: reviews.forgotten() };
  };

  readonly timeline = (): Timeline => {
    const { recorder, registries } = this.#options;
    const toMs = this.#system.runtime.now();
    const fromMs = toMs - hourMs;
    const moves = recorder.moves().filter(({ atMs }) => atMs >= fromMs);
    const hosts = new Set([...registries.hosts(), ...moves.map(({ host }) => host)]);
    const rerouted = recorder.reviews
      .newest()
      .filter(({ atMs }) => atMs >= fromMs)
      .map(showReview)
      .flatMap(({ at, id, namespace, pod, containers }) =>
        containers
          .filter(({ rewritten }) => rewritten)
          .map(({ image: from, winner: to }) => ({ at, id, namespace, pod, from, to })),
      );
    return {
      ...{ from: formatTime(fromMs), to: formatTime(toMs) },
      registries: [...hosts].slice(0, registriesMax).map((host) => ({
        ...{ host, circuit: registries.reachability(host) },
        changes: moves.filter((move) => move.host === host).map(showMove),
        latency: this.#latencyOf(host),
      })),
      rerouted: rerouted.slice(0, reroutedMax).reverse(),
      buckets: recorder.counts().map(({ atMs, value }) => ({ at: formatTime(atMs), ...value })),
    };
  };

  readonly follow = (listener: (news: InsightNews) => void): (() => void) => {
    const { clock } = this.#system.runtime;
    const stopNews = this.#options.recorder.news.subscribe((news) => listener(showNews(news)));
    let known = this.#leader();
    let stopLooking = () => {};
    const look = () => {
      const leader = this.#leader();
      if (leader !== known) listener({ event: 'leader', data: { at: this.#at(), leader } });
      known = leader;
      stopLooking = clock.after(leaderEveryMs, look);
    };
    look();
    return () => {
      stopNews();
      stopLooking();
    };
  };

  async #registries(): Promise<readonly RegistryView[]> {
    const { registries, resources } = this.#options;
    const pods = await podsByRegistry(resources.pods.values());
    const hosts = new Set([...registries.hosts(), ...pods.keys()]);
    return [...hosts].map((host) => this.#registry(host, pods.get(host) ?? 0)).sort(byNeed);
  }

  #registry(host: string, pods: number): RegistryView {
    const { registries, recorder } = this.#options;
    const snapshot = registries.actorOf(host)?.getSnapshot();
    const { quotas = {}, trouble = null } = snapshot?.context ?? {};
    const last = Object.values(quotas).at(-1);
    // Not the actor's: that moves with its quota and pace as well.
    const since = recorder.circuitSinceMs(host);
    return {
      ...{ host, circuit: registries.reachability(host), trouble, pods },
      since: since === undefined ? null : formatTime(since),
      quota: {
        state: snapshot?.value.quota ?? 'Free',
        ...(last !== undefined && { retryAt: formatTime(last.retryAtMs), message: last.message }),
      },
      pace: this.#system.leads() ? (snapshot?.value.pace ?? null) : null,
      latency: this.#latencyOf(host),
    };
  }

  #latencyOf(host: string) {
    return this.#options.recorder
      .latencyOf(host)
      .map(({ atMs, value }) => ({ at: formatTime(atMs), ...value.summary() }));
  }

  async #imagesByStatus(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    const view = await this.#options.reporting.images();
    for (const name of view.resources()) {
      await forEachInTurns(view.imagesOf(name), ({ status }) => {
        counts[status] = (counts[status] ?? 0) + 1;
      });
    }
    return counts;
  }

  #recent(): readonly Recent[] {
    const { recorder } = this.#options;
    const moves = recorder
      .moves()
      .slice(-recentMax)
      .map((move): Recent & { readonly atMs: number } => ({
        ...{ atMs: move.atMs, at: formatTime(move.atMs), kind: 'registry' },
        text: `${move.host}: ${move.from} → ${move.to}${move.reason && ` (${move.reason})`}`,
        link: linkTo(`registry:${move.host}`),
      }));
    const reviews = recorder.reviews
      .newest()
      .slice(0, recentMax)
      .flatMap((review) =>
        review.decisions
          .filter((one) => isRewritten(one) || one.reason === 'NothingAvailable')
          .map((decision): Recent & { readonly atMs: number } => ({
            ...{ atMs: review.atMs, at: formatTime(review.atMs), kind: 'decision' },
            text: `${review.namespace}/${review.pod}: ${outcomeOf(decision)}`,
            link: `#/decisions?q=${encodeURIComponent(review.pod)}`,
          })),
      );
    return [...moves, ...reviews]
      .sort((left, right) => right.atMs - left.atMs)
      .slice(0, recentMax)
      .map(({ atMs: _, ...recent }) => recent);
  }

  *#resources(): Generator<KuikResource> {
    for (const store of this.#options.resources.kuik.values()) yield* store.values();
  }

  #broken(): readonly string[] {
    return [...Iterator.from(this.#system.observer.crashed()).take(brokenMax)];
  }

  /** Of what the API server is not heard about now. */
  #unwatched(): readonly string[] {
    return this.#system.permanent().flatMap(({ id }) => {
      const [, resource] = /^reflector:(.+)$/.exec(id) ?? [];
      if (resource === undefined) return [];
      const snapshot = this.#system.find(id)?.getSnapshot() as ReflectorSnapshot | undefined;
      return snapshot?.phase === 'BackingOff' ? resource : [];
    });
  }

  #leader(): string | null {
    return this.#system.leader() ?? (this.#system.leads() ? 'this process' : null);
  }

  #at(): string {
    return formatTime(this.#system.runtime.now());
  }
}

const hourMs = 3_600_000;

/** Short enough for a list; the decision itself says all of it. */
function outcomeOf({ image, winner, reason }: RouteDecision): string {
  return winner === image
    ? `nothing is available for ${image}`
    : `${image} became ${winner} (${reason})`;
}
