import { type ActorLogic, type ActorRefFrom, fromCallback } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { createRounds, type RoundEnd } from '#actors/leader/rounds.ts';
import { type ReflectorEvent, type ReflectorSnapshot, reflectorLogic } from '#actors/reflectors.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { Service } from '#actors/system.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { declaredSecrets } from '#core/routing/declared-secrets.ts';
import type { KubeClient } from '#kube/client.ts';
import { runReflector } from '#kube/reflector.ts';
import { createStore } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import {
  foundSecret,
  readSecret,
  type SecretAnswer,
  type SecretKey,
  type SecretReader,
  type StoredSecret,
  secretKeyText,
} from './secrets.ts';

/** What is known, while this process leads, of the Secrets that resources name. */
export interface SecretWatches {
  /** The supervisor of one watch a Secret, and who tells it which; in this order. */
  readonly services: readonly Service[];
  /** Undefined while nothing is known yet, and always where this process does not lead. */
  readonly find: (key: SecretKey) => SecretAnswer | undefined;
  /** Called after each change; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** What Secrets are watched with. */
export interface WatchSecretsOptions {
  readonly client: KubeClient;
  readonly table: RoutingTableKeeper;
  /** Its memory is told of what changed. */
  readonly reader: Pick<SecretReader, 'forget'>;
  readonly clock: TimerHeap;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random: () => number;
  /** The running supervisor of the watches. */
  readonly supervisor: () => ActorRefFrom<SecretWatchesLogic> | undefined;
}

type SecretWatchLogic = ActorLogic<ReflectorSnapshot, ReflectorEvent, undefined>;
/** One reflector a Secret, each by its name. */
export type SecretWatchesLogic = SupervisorLogic<SecretWatchLogic>;

/** The supervisor's id below the root. */
export const secretWatchesId = 'secret-watches';
/** Each is a connection of its own; what is beyond is read each minute. */
const watchesMax = 100;
const readEveryMs = 60_000;
const readTimeoutMs = 10_000;
/** A change of many resources at once is one round. */
const roundEveryMs = 100;
/** What the API server takes for the name of a Secret; nothing else can be there. */
const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Makes the watches: never of all Secrets, each by its name; nothing is read before they run. */
export function watchSecrets(options: WatchSecretsOptions): SecretWatches {
  return new NamedSecrets(options);
}

class NamedSecrets implements SecretWatches {
  readonly services: readonly Service[];
  readonly #options: WatchSecretsOptions;
  readonly #answers = new Map<string, SecretAnswer>();
  readonly #watched = new Map<string, SecretKey>();
  readonly #listeners = new Set<() => void>();

  constructor(options: WatchSecretsOptions) {
    this.#options = options;
    const { clock, log } = options;
    const watches = supervise<SecretWatchLogic>({
      type: 'secret-watch',
      logic: (key) => this.#watch(key),
      policy: 'object',
      clock,
      onCrash: (actor, error) => log.error({ actor, err: error }, 'an actor crashed'),
    });
    this.services = [
      { id: secretWatchesId, logic: watches },
      { id: 'secret-sources', logic: this.#follow() },
    ];
  }

  readonly find = (key: SecretKey): SecretAnswer | undefined =>
    this.#answers.get(secretKeyText(key));

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Keeps the watches those of the Secrets that resources name, as these change. */
  #follow() {
    const { table, clock, log } = this.#options;
    return fromCallback(() => {
      const rounds = createRounds({
        ...{ clock, everyMs: roundEveryMs, retryMs: readEveryMs },
        run: (signal) => this.#round(signal),
        onBug: (error) => log.error({ err: error }, 'following Secrets failed'),
      });
      const unsubscribe = table.subscribe(rounds.plan);
      rounds.plan();
      return () => {
        unsubscribe();
        rounds.stop();
        // Whoever leads next learns everything anew.
        for (const key of [...this.#watched.keys()]) this.#drop(key);
        this.#answers.clear();
      };
    });
  }

  async #round(signal: AbortSignal): Promise<RoundEnd> {
    const named = this.#namedSecrets();
    for (const key of [...this.#watched.keys(), ...this.#answers.keys()]) {
      if (!named.has(key)) this.#drop(key);
    }
    const beyond: SecretKey[] = [];
    for (const [text, key] of named) {
      if (!this.#follows(text, key)) beyond.push(key);
    }
    for (const key of beyond) await this.#read(key, signal);
    return beyond.length > 0 ? { kind: 'done', nextInMs: readEveryMs } : { kind: 'done' };
  }

  /** Whether it is watched, or nothing can be there. */
  #follows(text: string, key: SecretKey): boolean {
    if (!objectName.test(key.name)) this.#learn(key, { kind: 'missing' });
    else if (this.#watched.has(text) || this.#watched.size < watchesMax) this.#add(text, key);
    else return false;
    return true;
  }

  #namedSecrets(): ReadonlyMap<string, SecretKey> {
    const entries = [...this.#options.table.current().entries.values()];
    const keys = entries.flatMap(({ resource }) =>
      declaredSecrets(resource).map(({ secret }) => secret),
    );
    return new Map(keys.map((key) => [secretKeyText(key), key]));
  }

  /** Adding one that is there does nothing, and brings back what a new supervisor does not know. */
  #add(text: string, key: SecretKey): void {
    this.#watched.set(text, key);
    this.#options.supervisor()?.send({ type: 'child.add', key: text, input: undefined });
  }

  #drop(text: string): void {
    this.#watched.delete(text);
    this.#answers.delete(text);
    this.#options.supervisor()?.send({ type: 'child.remove', key: text });
  }

  async #read(key: SecretKey, signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const answer = await readSecret(this.#options.client, key, bounded);
    if (!signal.aborted) this.#learn(key, answer);
  }

  #watch(text: string): SecretWatchLogic {
    const { log } = this.#options;
    const resource = `secret ${text}`;
    const run = (report: (phase: string, detail?: string) => void, signal: AbortSignal) =>
      this.#reflect(text, report, signal);
    // Secrets are as many as resources name: their phases are seen in the actors, not in a metric.
    const metrics = { reflectorPhase: () => undefined };
    return reflectorLogic({ resource, run }, { metrics, log: log.child({ actor: resource }) });
  }

  async #reflect(
    text: string,
    report: (phase: string, detail?: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const key = this.#watched.get(text);
    if (key === undefined) return;
    const { client, random } = this.#options;
    const store = createStore<SecretAnswer>();
    const learn = (answer: SecretAnswer) => {
      if (!signal.aborted) this.#learn(key, answer);
    };
    store.subscribe(({ kind, value }) => learn(kind === 'deleted' ? { kind: 'missing' } : value));
    void store.synced.then(() => learn(store.get(text) ?? { kind: 'missing' }));
    await runReflector<SecretAnswer>(
      {
        ...{ client, random, store },
        path: `/api/v1/namespaces/${encodeURIComponent(key.namespace)}/secrets`,
        query: { fieldSelector: `metadata.name=${key.name}` },
        slim: (object) => foundSecret(key, object as StoredSecret),
        onPhase: (phase, detail) => {
          report(phase, detail);
          if (phase !== 'BackingOff' || store.isSynced()) return;
          learn({ kind: 'unreadable', message: detail });
        },
      },
      signal,
    );
  }

  #learn(key: SecretKey, answer: SecretAnswer): void {
    const text = secretKeyText(key);
    if (JSON.stringify(this.#answers.get(text)) === JSON.stringify(answer)) return;
    this.#answers.set(text, answer);
    this.#options.reader.forget(key);
    for (const listener of this.#listeners) listener();
  }
}
