import type { RouteDecision, RouteExplanation } from '#core/routing/decision.ts';
import type { Attention } from './attention.ts';
import type { LatencySummary } from './latency.ts';
import type { RegistryMap } from './registry-map.ts';
import type { Circuit, RegistryView } from './registry-view.ts';

/** What the page at `/debug/` shows; nothing is changed by asking, and nothing is a credential. */
export interface InsightPort {
  readonly overview: () => Promise<Overview>;
  readonly map: () => Promise<RegistryMap>;
  readonly pods: (query: PodQuery) => Promise<PodPage>;
  /** `undefined` where there is no such Pod. */
  readonly pod: (
    namespace: string,
    name: string,
    signal: AbortSignal,
  ) => Promise<PodStory | undefined>;
  readonly decisions: (query: DecisionQuery) => DecisionPage;
  readonly timeline: () => Timeline;
  /** Calls with all that happens from now on; returns how to stop. */
  readonly follow: (listener: (news: InsightNews) => void) => () => void;
}

/** What happened just now. */
export type InsightNews =
  | { readonly event: 'decision'; readonly data: ShownReview }
  | { readonly event: 'registry'; readonly data: CircuitChange & { readonly host: string } }
  | {
      readonly event: 'leader';
      readonly data: { readonly at: string; readonly leader: string | null };
    };

/** The first thing that people see. */
export interface Overview {
  readonly leader: string | null;
  readonly leads: boolean;
  readonly at: string;
  readonly attention: readonly Attention[];
  /** All there is; the list is cut. */
  readonly attentionTotal: number;
  /** Newest first. */
  readonly recent: readonly Recent[];
  /** The worst first. */
  readonly registries: readonly RegistryView[];
  readonly registriesTotal: number;
  /** Monitored images by status. */
  readonly images: Readonly<Record<string, number>>;
  readonly copies: {
    readonly running: readonly unknown[];
    /** `images`, `mirrored`, `failed`: each image counted by each of its resources. */
    readonly byState: Readonly<Record<string, number>>;
  };
}

/** Something that happened, in a sentence. */
export interface Recent {
  readonly at: string;
  readonly kind: 'registry' | 'decision';
  readonly text: string;
  /** Where the page tells more: a fragment. */
  readonly link: string;
}

/** Which Pods, and from where on. */
export interface PodQuery {
  readonly namespace?: string;
  /** A part of `namespace/name`. */
  readonly q?: string;
  /** Pods that run an image from it. */
  readonly registry?: string;
  readonly limit: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
  /** So many of those that would be shown are left out before the page. */
  readonly offset?: number;
}

/** Pods by namespace and name. */
export interface PodPage {
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly images: readonly PodImage[];
  }[];
  readonly total: number;
  readonly next: string | null;
}

/** What a container was to run, and what it runs. */
export interface PodImage {
  /** `app`, `init:migrate` or `volume:models`. */
  readonly container: string;
  readonly wanted: string;
  readonly running: string;
  readonly rewritten: boolean;
}

/** One Pod: wanted, asked, answered, got, and what it would get today. */
export interface PodStory {
  readonly namespace: string;
  readonly name: string;
  /** `Kind/name` of its controller; '' where it has none. */
  readonly owner: string;
  readonly containers: readonly (PodImage & {
    /** Due to what it was rewritten, as its annotations say. */
    readonly by?: string;
    readonly reason?: string;
    /** What this replica remembers of its admission; `null` where another one admitted it, or long ago. */
    readonly decision: (RouteDecision & { readonly at: string }) | null;
    /** What a new Pod like it would get now. */
    readonly today: RouteExplanation | null;
  })[];
}

/** Which decisions. */
export interface DecisionQuery {
  /** Only newer ones than this id. */
  readonly after?: number;
  /** A part of the namespace, the Pod's name or an image. */
  readonly q?: string;
  readonly limit: number;
}

/** Decisions, newest first. */
export interface DecisionPage {
  readonly decisions: readonly ShownReview[];
  /** Reviews since the start that are not remembered any more. */
  readonly forgotten: number;
}

/** What was decided about one Pod. */
export interface ShownReview {
  /** Grows with each. */
  readonly id: number;
  readonly at: string;
  readonly namespace: string;
  readonly pod: string;
  readonly owner: string;
  /** As long as the slowest of its decisions took. */
  readonly ms: number;
  readonly containers: readonly (Omit<RouteDecision, 'key'> & {
    readonly name: string;
    readonly rewritten: boolean;
  })[];
}

/** A registry's circuit moved. */
export interface CircuitChange {
  readonly at: string;
  readonly from: Circuit;
  readonly to: Circuit;
  /** Why, where something failed. */
  readonly reason: string;
}

/** The last hour. */
export interface Timeline {
  readonly from: string;
  readonly to: string;
  readonly registries: readonly {
    readonly host: string;
    /** Now. */
    readonly circuit: Circuit;
    /** Oldest first. */
    readonly changes: readonly CircuitChange[];
    readonly latency: readonly (LatencySummary & { readonly at: string })[];
  }[];
  /** Containers that got something else, oldest first. */
  readonly rerouted: readonly {
    readonly at: string;
    readonly id: number;
    readonly namespace: string;
    readonly pod: string;
    readonly from: string;
    readonly to: string;
  }[];
  /** Reviews a minute, oldest first; minutes without any are left out. */
  readonly buckets: readonly (ReviewCounts & { readonly at: string })[];
}

/** Reviews of some time. */
export interface ReviewCounts {
  admitted: number;
  /** Of them those in which a container got something else. */
  rerouted: number;
  /** Those in which nothing answered for a container. */
  unserved: number;
}
