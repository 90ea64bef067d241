import { fromCallback } from 'xstate';
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
import type { RoutingTable } from '#core/routing/table.ts';
import { applyObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import type { Store } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import type { RoutingTableKeeper } from './keep-routing-table.ts';
import type { EventRecorder } from './record-events.ts';
import { createRounds, type RoundEnd } from './rounds.ts';
import type { WakeHeap } from './wake.ts';

/** What conditions are made from and written with. */
export interface WriteConditionsOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly stores: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly table: RoutingTableKeeper;
  readonly events: EventRecorder;
  readonly wake: WakeHeap;
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
const callTimeoutMs = 10_000;

/**
 * Keeps `status.conditions` of the five kinds right while this process leads: from the whole state,
 * only what changed, one resource after the other.
 */
export function conditionsLogic(options: WriteConditionsOptions) {
  return fromCallback(() => {
    const { wake, log, table, more = [] } = options;
    const rounds = createRounds({
      ...{ wake, everyMs: writeEveryMs, retryMs },
      run: (signal) => new ConditionWriter(options, signal).round(),
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

/** One round over all resources. */
class ConditionWriter {
  readonly #options: WriteConditionsOptions;
  readonly #signal: AbortSignal;

  constructor(options: WriteConditionsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async round(): Promise<RoundEnd> {
    const table = this.#options.table.current();
    let failed = false;
    for (const resource of this.#resources()) {
      if (this.#signal.aborted) break;
      failed = !(await this.#settle(resource, table)) || failed;
    }
    return { kind: failed ? 'failed' : 'done' };
  }

  #resources(): readonly KuikResource[] {
    const { stores, more = [] } = this.#options;
    return [...stores.values()]
      .filter((store) => store.isSynced())
      .flatMap((store) => [...store.values()])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter((resource) => more.every(({ isKnown }) => isKnown?.(resource) ?? true));
  }

  /** Writes one resource's conditions if they say something else; false when that failed. */
  async #settle(resource: KuikResource, table: RoutingTable): Promise<boolean> {
    const { now, log } = this.#options;
    const state = this.#stateOf(resource, table);
    const before = resource.status?.conditions;
    const conditions = nextConditions(state, before, {
      generation: resource.metadata.generation ?? 0,
      now: new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    });
    if (conditions === undefined) return true;
    const written = await this.#write(resource, conditions);
    if (written.ok) {
      this.#tell(resource, state, before);
      return true;
    }
    // Gone in the meantime: its next appearance is a change of its own.
    if (written.error.kind === 'status' && written.error.code === 404) return true;
    const failure = written.error;
    log.warn({ resource: resourceName(resource), failure }, 'a condition could not be written');
    return false;
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

  #write(resource: KuikResource, conditions: readonly Condition[]) {
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
      AbortSignal.any([this.#signal, AbortSignal.timeout(callTimeoutMs)]),
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
