/** Looks at the running actors; changes nothing. */
export interface ActorView {
  readonly list: (query: ActorListQuery) => Promise<ActorPage>;
  readonly get: (id: string) => ActorDetail | undefined;
  /** Who leads, for a follower's debug page: the holder of the Lease, or `null`. */
  readonly leader: () => string | null;
}

/** `/debug/actors` in pages of `limit`, ordered by id. */
export interface ActorListQuery {
  readonly type?: string;
  readonly state?: string;
  /** A part of the id. */
  readonly q?: string;
  /** Wall time, ms: those that entered their states then or later. */
  readonly sinceMs?: number;
  readonly limit: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
  /** So many of those that would be shown are left out before the page, for a jump into the middle. */
  readonly offset?: number;
}

/** A page of actors; `next` is the cursor of the page after it. */
export interface ActorPage {
  readonly actors: readonly ActorSummary[];
  /** All that were asked for, on whatever page. */
  readonly total: number;
  readonly next: string | null;
}

/** One actor in a list. */
export interface ActorSummary {
  readonly id: string;
  /** The part of the id before its first colon. */
  readonly type: string;
  /** Every active state, `region.State` where regions are parallel. */
  readonly state: readonly string[];
  /** RFC 3339, UTC, whole seconds: when it entered that state. */
  readonly since: string;
}

/** One actor in full; `context` never holds a secret. */
export interface ActorDetail extends ActorSummary {
  readonly context: unknown;
  /** Newest last. */
  readonly transitions: readonly {
    readonly at: string;
    readonly event: string;
    readonly from: readonly string[];
    readonly to: readonly string[];
  }[];
  /** The first of them, `childrenMax` at most. */
  readonly children: readonly string[];
  readonly childrenTotal: number;
}

/** A supervisor may have a hundred thousand; who wants all asks for them by type, in pages. */
export const childrenMax = 1_000;
