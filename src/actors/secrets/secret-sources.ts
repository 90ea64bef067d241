import type { ActorLogic } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import {
  type ReflectorEvent,
  type ReflectorSnapshot,
  type ReportPhase,
  reflectorLogic,
  type WatchLoop,
} from '#actors/reflectors.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KuikResource } from '#api/kinds.ts';
import { isSubdomain } from '#core/filter/selector-requirement.ts';
import { Listeners } from '#core/listeners.ts';
import type { ReadyState } from '#core/ready-condition.ts';
import { declaredSecrets } from '#core/routing/declared-secrets.ts';
import { knowsCredentials, missingCredentials } from '#core/routing/missing-credentials.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import { resourcePath } from '#kube/paths.ts';
import { runReflector } from '#kube/reflector.ts';
import { createStore } from '#kube/store.ts';
import {
  foundSecret,
  readSecret,
  type StoredSecret,
  secretPlace,
  unreadableSecret,
} from './read-secret.ts';
import type { SecretReader } from './secret-reader.ts';

/** Adds what the leader follows the Secrets with that resources name; nothing is read before. */
export function addSecretSources(system: KuikSystem, options: SecretSourcesOptions): SecretSources {
  const sources = new SecretSources(system, options);
  const { runtime } = system;
  const watches = supervise<SecretWatchLogic>(runtime, {
    ...{ type: 'secret-watch', policy: 'object' },
    logic: sources.watchOne,
  });
  const { work, watch } = sources;
  const following = reconcileLogic(runtime, { work, watch, settleMs: 0, paceMs });
  // The watches stand first, so that they are still there when the following of them ends.
  system.whileLeading({ id: watchesId, logic: watches });
  system.whileLeading({ id: 'reconcile:secret-sources', logic: following });
  return sources;
}

/** What Secrets are followed with. */
export interface SecretSourcesOptions {
  readonly client: KubeClient;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  /** Its memory is told of what changed. */
  readonly reader: Pick<SecretReader, 'forget'>;
}

type SecretWatchLogic = ActorLogic<ReflectorSnapshot, ReflectorEvent, undefined>;

/** The supervisor of one reflector a Secret. */
const watchesId = 'secret-watches';
/** Each is a connection of its own; what is beyond is read each minute. */
const watchesMax = 100;
const readEveryMs = 60_000;
const readTimeoutMs = 10_000;
/** A change of many resources at once is one round. */
const paceMs = 100;
/**
 * What is known, while this process leads, of the Secrets that resources name: each is watched by
 * its name, never all of them. It says of resources which of their Secrets are missing, too.
 */
export class SecretSources {
  readonly #system: KuikSystem;
  readonly #options: SecretSourcesOptions;
  readonly #answers = new Map<string, SecretAnswer>();
  readonly #changed = new Listeners();
  /** Called after each change; returns how to stop that. */
  readonly subscribe = this.#changed.subscribe;

  constructor(system: KuikSystem, options: SecretSourcesOptions) {
    this.#system = system;
    this.#options = options;
  }

  /** Undefined while nothing is known yet, and always where this process does not lead. */
  readonly find = (name: SecretName): SecretAnswer | undefined =>
    this.#answers.get(secretNameText(name));

  /** What a resource must be told of the Secrets that it names (behaviour §6a). */
  readonly statesOf = (resource: KuikResource): readonly ReadyState[] =>
    missingCredentials(resource, this.find);

  /** Whether everything is known that `statesOf` judges by. */
  readonly isKnown = (resource: KuikResource): boolean => knowsCredentials(resource, this.find);

  readonly watch = (changed: () => void): (() => void) => {
    const unsubscribe = this.#options.table.subscribe(changed);
    return () => {
      unsubscribe();
      // Whoever leads next learns everything anew.
      for (const text of this.#watched()) this.#stopWatching(text);
      this.#answers.clear();
    };
  };

  /** Makes the watches those of the Secrets that resources name now, and reads what is beyond. */
  readonly work = async (_input: unknown, signal: AbortSignal): Promise<RoundOutcome> => {
    const named = this.#namedSecrets();
    for (const text of [...this.#watched(), ...this.#answers.keys()]) {
      if (named.has(text)) continue;
      this.#stopWatching(text);
      this.#answers.delete(text);
    }
    const beyond = this.#watchAll(named);
    for (const name of beyond) await this.#read(name, signal);
    return { kind: 'done', ...(beyond.length > 0 && { dueInMs: readEveryMs }) };
  };

  /** The watch of one Secret, by the text of its name. */
  readonly watchOne = (text: string): SecretWatchLogic => {
    const { log } = this.#system.runtime;
    const resource = `secret ${text}`;
    // Secrets are as many as resources name: their phases are seen in the actors, not in a metric.
    const metrics = { reflectorPhase: () => undefined };
    const run: WatchLoop = (report, signal) => this.#reflect(readName(text), report, signal);
    return reflectorLogic(resource, run, { metrics, log: log.child({ actor: resource }) });
  };

  /** The answer is who has to be read instead, there being too many. */
  #watchAll(named: ReadonlyMap<string, SecretName>): readonly SecretName[] {
    const watched = this.#watched();
    const beyond: SecretName[] = [];
    for (const [text, name] of named) {
      if (watched.has(text)) continue;
      if (!isSubdomain(name.name)) this.#learn(name, { kind: 'missing' });
      else if (watched.size >= watchesMax) beyond.push(name);
      else {
        watched.add(text);
        this.#supervisor()?.send({ type: 'child.add', key: text, input: undefined });
      }
    }
    return beyond;
  }

  #supervisor() {
    return this.#system.find<SupervisorLogic<SecretWatchLogic>>(watchesId);
  }

  /** By the texts of their names, those included whose watch crashed and is started again. */
  #watched(): Set<string> {
    const snapshot = this.#supervisor()?.getSnapshot();
    return new Set([...(snapshot?.children.keys() ?? []), ...(snapshot?.broken.keys() ?? [])]);
  }

  #stopWatching(text: string): void {
    this.#supervisor()?.send({ type: 'child.remove', key: text });
  }

  #namedSecrets(): ReadonlyMap<string, SecretName> {
    const { entries } = this.#options.table.current();
    const names = [...entries.values()].flatMap(({ resource }) =>
      declaredSecrets(resource).map(({ secret }) => secret),
    );
    return new Map(names.map((name) => [secretNameText(name), name]));
  }

  async #read(name: SecretName, signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const answer = await readSecret(this.#options.client, name, bounded);
    if (!signal.aborted) this.#learn(name, answer);
  }

  async #reflect(name: SecretName, report: ReportPhase, signal: AbortSignal): Promise<void> {
    const { random } = this.#system.runtime;
    const store = createStore<SecretAnswer>();
    const learn = (answer: SecretAnswer) => {
      if (!signal.aborted) this.#learn(name, answer);
    };
    store.subscribe(({ kind, value }) => learn(kind === 'deleted' ? { kind: 'missing' } : value));
    void store.synced.then(() => learn(store.get(secretNameText(name)) ?? { kind: 'missing' }));
    const { name: _, ...collection } = secretPlace(name);
    await runReflector<SecretAnswer>(
      {
        ...{ client: this.#options.client, random, store },
        path: resourcePath(collection),
        query: { fieldSelector: `metadata.name=${name.name}` },
        slim: (object) => foundSecret(name, object as StoredSecret),
        onPhase: (phase, detail, code) => {
          report(phase, detail, code);
          if (phase !== 'BackingOff' || store.isSynced()) return;
          learn(unreadableSecret({ message: detail, code }));
        },
      },
      signal,
    );
  }

  #learn(name: SecretName, answer: SecretAnswer): void {
    const text = secretNameText(name);
    if (JSON.stringify(this.#answers.get(text)) === JSON.stringify(answer)) return;
    this.#answers.set(text, answer);
    this.#options.reader.forget(name);
    this.#changed.tell();
  }
}

/** Only what can be the name of a Secret is watched, and that has no slash. */
function readName(text: string): SecretName {
  const at = text.lastIndexOf('/');
  return { namespace: text.slice(0, at), name: text.slice(at + 1) };
}
