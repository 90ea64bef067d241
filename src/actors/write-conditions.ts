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
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { Store } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import type { RoutingTableKeeper } from './keep-routing-table.ts';
import type { EventRecorder } from './record-events.ts';
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
    const writer = new ConditionWriter(options);
    const unsubscribe = options.table.subscribe(writer.plan);
    writer.plan();
    return () => {
      unsubscribe();
      writer.stop();
    };
  });
}

class ConditionWriter {
  readonly #options: WriteConditionsOptions;
  readonly #abort = new AbortController();
  #cancel: (() => void) | undefined;
  #running = false;
  #again = false;
  /** A throttling API server has said until when it wants to be left alone. */
  #notBeforeMs = 0;
  /** After whom the last round was given up: the next one begins with the others. */
  #after = 0;

  constructor(options: WriteConditionsOptions) {
    this.#options = options;
  }

  /** Something changed: one round soon, however often this is called. */
  readonly plan = (): void => this.#planIn(0);

  readonly stop = (): void => {
    this.#abort.abort();
    this.#cancel?.();
  };

  #planIn(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#cancel?.();
    const { wake } = this.#options;
    const waitMs = Math.max(delayMs, this.#notBeforeMs - wake.now());
    this.#cancel = wake.after(waitMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    this.#running = true;
    let failed = false;
    try {
      failed = await this.#settleAll(this.#options.table.current());
    } catch (error) {
      failed = true;
      this.#options.log.error({ err: error }, 'writing conditions failed');
    } finally {
      this.#running = false;
    }
    if (this.#again) {
      this.#again = false;
      this.#planIn(writeEveryMs);
    } else if (failed) this.#planIn(retryMs);
  }

  /** True when something failed. */
  async #settleAll(table: RoutingTable): Promise<boolean> {
    let failed = false;
    const resources = this.#resources();
    const first = this.#after;
    this.#after = 0;
    const inTurn = [...resources.slice(first), ...resources.slice(0, first)];
    for (const [index, resource] of inTurn.entries()) {
      if (this.#abort.signal.aborted) return failed;
      const failure = await this.#settle(resource, table);
      if (failure === undefined) continue;
      failed = true;
      if (!isServerTrouble(failure)) continue;
      // The others would meet the same, and add to it.
      this.#after = (first + index + 1) % resources.length;
      this.#notBeforeMs = this.#options.wake.now() + retryAfterOf(failure);
      return failed;
    }
    return failed;
  }

  #resources(): readonly KuikResource[] {
    return [...this.#options.stores.values()]
      .filter((store) => store.isSynced())
      .flatMap((store) => [...store.values()])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Writes one resource's conditions if they say something else; answers with what failed. */
  async #settle(resource: KuikResource, table: RoutingTable): Promise<ApiFailure | undefined> {
    const { now, log } = this.#options;
    const origin = resourceName(resource);
    const states = problemsOf(resource, table);
    const state = worstState(states, readyMessage(resource));
    const before = resource.status?.conditions;
    const conditions = nextConditions(state, before, {
      generation: resource.metadata.generation ?? 0,
      now: new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    });
    if (conditions === undefined) return undefined;
    const written = await this.#write(resource, conditions);
    if (written.ok) {
      this.#tell(resource, state, before);
      return undefined;
    }
    // Gone in the meantime: its next appearance is a change of its own.
    if (hasCode(written.error, 404)) return undefined;
    log.warn({ resource: origin, failure: written.error }, 'a condition could not be written');
    return written.error;
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
      AbortSignal.any([this.#abort.signal, AbortSignal.timeout(callTimeoutMs)]),
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
