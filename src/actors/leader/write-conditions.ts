import { fromCallback } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { Condition } from '#api/condition.ts';
import {
  apiGroup,
  apiVersionName,
  type KuikKind,
  type KuikResource,
  kinds,
  resourceName,
} from '#api/kinds.ts';
import { nextConditions, type ReadyState, worstState } from '#core/ready-condition.ts';
import { readyMessage } from '#core/ready-message.ts';
import { formatTime } from '#core/rfc3339.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { applyObject } from '#kube/apply.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { Store } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import type { EventRecorder } from './record-events.ts';
import { createRounds, type RoundEnd } from './rounds.ts';

/** What conditions are made from and written with. */
export interface WriteConditionsOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly stores: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly table: RoutingTableKeeper;
  readonly events: EventRecorder;
  readonly clock: TimerHeap;
  /** Wall time in ms. */
  readonly now: () => number;
  readonly log: Log;
  /** Those who know more of a resource than its spec says. */
  readonly more?: readonly ConditionContributor[];
}

/** Adds to what is said of resources; the worst state of all is the one that is written. */
export interface ConditionContributor {
  readonly statesOf: (resource: KuikResource) => readonly ReadyState[];
  /** What a resource does when nothing is wrong with it; the first who answers is taken. */
  readonly readyMessage?: (resource: KuikResource) => string | undefined;
  /** Until this is true nothing is written: a new leader must not take back what holds. */
  readonly isKnown?: (resource: KuikResource) => boolean;
  /** Calls when something changed; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

const fieldManager = 'kuik-conditions';
/** Behaviour §6: a status is written no more often than this. */
const writeEveryMs = 1_000;
/** What failed is looked at again after this; a change in between comes first. */
const retryMs = 15_000;
/** The API server's Retry-After is kept to, up to this. */
const retryAfterMsMax = 60_000;
const callTimeoutMs = 10_000;

/**
 * Keeps `status.conditions` of the five kinds right while this process leads: from the whole state,
 * only what changed, one resource after the other.
 */
export function conditionsLogic(options: WriteConditionsOptions) {
  return fromCallback(() => {
    const { clock, log, table, more = [] } = options;
    const writer = new ConditionWriter(options);
    const rounds = createRounds({
      ...{ clock, everyMs: writeEveryMs, retryMs },
      run: writer.round,
      onBug: (error) => log.error({ err: error }, 'writing conditions failed'),
    });
    const unsubscribes = [table, ...more].map((source) => source.subscribe(rounds.plan));
    rounds.plan();
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
      rounds.stop();
    };
  });
}

/** Goes over all resources, one round after the other. */
class ConditionWriter {
  readonly #options: WriteConditionsOptions;
  /** After whom the last round was given up: the next one begins with the others. */
  #after = 0;

  constructor(options: WriteConditionsOptions) {
    this.#options = options;
  }

  readonly round = async (signal: AbortSignal): Promise<RoundEnd> => {
    const table = this.#options.table.current();
    const resources = this.#resources();
    const first = this.#after;
    this.#after = 0;
    let failed = false;
    const inTurn = [...resources.slice(first), ...resources.slice(0, first)];
    for (const [index, resource] of inTurn.entries()) {
      if (signal.aborted) break;
      const failure = await this.#settle(resource, table, signal);
      failed ||= failure !== undefined;
      if (failure === undefined || !isServerTrouble(failure)) continue;
      // The others would meet the same, and add to it.
      this.#after = (first + index + 1) % resources.length;
      return { kind: 'failed', quietMs: retryAfterOf(failure) };
    }
    return { kind: failed ? 'failed' : 'done' };
  };

  #resources(): readonly KuikResource[] {
    const { stores, more = [] } = this.#options;
    return [...stores.values()]
      .filter((store) => store.isSynced())
      .flatMap((store) => [...store.values()])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter((resource) => more.every(({ isKnown }) => isKnown?.(resource) ?? true));
  }

  /** Writes one resource's conditions if they say something else; answers with what failed. */
  async #settle(
    resource: KuikResource,
    table: RoutingTable,
    signal: AbortSignal,
  ): Promise<ApiFailure | undefined> {
    const { now, log } = this.#options;
    const state = this.#stateOf(resource, table);
    const before = resource.status?.conditions;
    const conditions = nextConditions(state, before, {
      generation: resource.metadata.generation ?? 0,
      now: formatTime(now()),
    });
    if (conditions === undefined) return undefined;
    const written = await this.#write(resource, conditions, signal);
    if (written.ok) {
      this.#tell(resource, state, before);
      return undefined;
    }
    // Gone in the meantime: its next appearance is a change of its own.
    if (hasCode(written.error, 404)) return undefined;
    const failure = written.error;
    log.warn({ resource: resourceName(resource), failure }, 'a condition could not be written');
    return failure;
  }

  #stateOf(resource: KuikResource, table: RoutingTable): ReadyState {
    const { more = [] } = this.#options;
    const states = [
      ...problemsOf(resource, table),
      ...more.flatMap((contributor) => contributor.statesOf(resource)),
    ];
    const message = more.map((one) => one.readyMessage?.(resource)).find((text) => text);
    return worstState(states, message ?? readyMessage(resource));
  }

  #write(resource: KuikResource, conditions: readonly Condition[], signal: AbortSignal) {
    const { apiVersion, kind, metadata } = resource;
    const { name, namespace, uid } = metadata;
    const plural = kinds.find((info) => info.kind === kind)?.plural ?? '';
    const place = {
      ...{ group: apiGroup, version: apiVersionName, plural, name, subresource: 'status' },
      ...(namespace !== undefined && { namespace }),
    };
    const object = { apiVersion, kind, metadata: { name, namespace, uid }, status: { conditions } };
    return applyObject<unknown>(
      this.#options.client,
      { place, object, options: { fieldManager } },
      AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]),
    );
  }

  /** An event for what changes state; a resource that is right from the start needs none. */
  #tell(resource: KuikResource, state: ReadyState, before: readonly Condition[] | undefined): void {
    const last = before?.find(({ type }) => type === 'Ready')?.reason;
    if (last === state.reason || (last === undefined && state.reason === 'Ready')) return;
    const { apiVersion, kind, metadata } = resource;
    const { name, namespace, uid } = metadata;
    this.#options.events.record({
      regarding: {
        ...{ apiVersion, kind, name },
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      },
      type: state.reason === 'Ready' ? 'Normal' : 'Warning',
      reason: state.reason,
      action: 'Check',
      note: state.message,
    });
  }
}

/** Not about this one resource, as most answers are: the server throttles, or does not answer. */
function isServerTrouble(failure: ApiFailure): boolean {
  return failure.kind !== 'status' || failure.code === 429 || failure.code === 503;
}

function retryAfterOf(failure: ApiFailure): number {
  const asked = failure.kind === 'status' ? (failure.retryAfterMs ?? 0) : 0;
  return Math.min(asked, retryAfterMsMax);
}

function problemsOf(resource: KuikResource, table: RoutingTable): readonly ReadyState[] {
  const { kind, metadata } = resource;
  return table.problems
    .filter(
      ({ resource: about }) =>
        about.kind === kind &&
        about.name === metadata.name &&
        about.namespace === metadata.namespace,
    )
    .map(({ reason, field, message }) => ({ reason, message: `${field}: ${message}` }));
}
