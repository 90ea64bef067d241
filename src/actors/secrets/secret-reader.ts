import { withDeadline } from '#actors/deadline.ts';
import { Limiter } from '#actors/limiter.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import { readSecret } from './read-secret.ts';

/** Reads Secrets when they are needed, through memory, each once at a time; the caller closes it. */
export class SecretReader {
  readonly #runtime: Runtime;
  readonly #client: Pick<KubeClient, 'call'>;
  /** One a namespace: many Secrets of one hold up nobody else's. */
  readonly #limiters: BoundedMap<string, Limiter>;
  readonly #readAtMs = new WeakMap<SecretAnswer, number>();
  readonly #flights: SingleFlight<SecretAnswer>;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#runtime = runtime;
    this.#client = client;
    this.#limiters = new BoundedMap(namespacesMax);
    this.#flights = new SingleFlight(runtime, {
      name: 'secret-reader',
      memoryMs: (answer) => (mayHaveChanged(answer) ? missingMemoryMs : foundMemoryMs),
      entriesMax: secretsMax,
    });
  }

  readonly read = async (name: SecretName, signal: AbortSignal): Promise<SecretAnswer> => {
    const run = (flight: Flight) => this.#get(name, flight.signal);
    const answer = await this.#flights.ask(
      { key: secretNameText(name), run, lingers: true },
      signal,
    );
    return answer?.value ?? unreadable('it was not read in time');
  };

  /** Anew, where `known`, which a registry refused, was not read only just now. */
  readonly readAgain = async (
    name: SecretName,
    known: SecretAnswer,
    signal: AbortSignal,
  ): Promise<SecretAnswer> => {
    const text = secretNameText(name);
    if (this.#flights.recall(text) === known) this.forget(name);
    const sinceMs = this.#runtime.clock.now() - (this.#readAtMs.get(known) ?? 0);
    return sinceMs < newMs ? known : await this.read(name, signal);
  };

  /** A watch has seen that it changed: the next read asks anew. */
  readonly forget = (name: SecretName): void => this.#flights.forget(secretNameText(name));

  /** Ends what is in flight and forgets the rest. */
  readonly close = (): void => {
    this.#flights.close();
    for (const limiter of this.#limiters.values()) limiter.dismiss();
  };

  async #get(name: SecretName, signal: AbortSignal): Promise<SecretAnswer> {
    const deadline = { deadlineMs: readTimeoutMs, signal };
    const limiter =
      this.#limiters.get(name.namespace) ??
      new Limiter(this.#runtime, { concurrency: readsMax, waitingMax });
    this.#limiters.set(name.namespace, limiter);
    const read = await limiter.run(
      () =>
        withDeadline(this.#runtime.clock, deadline, (bounded) =>
          readSecret(this.#client, name, bounded),
        ),
      { signal, timeoutMs: readTimeoutMs },
    );
    if (read.kind === 'done') {
      this.#readAtMs.set(read.value, this.#runtime.clock.now());
      return read.value;
    }
    return unreadable(`too many Secrets are being read (${read.kind})`);
  }
}

/** A rotated Secret is used within seconds, and Pods of one Deployment read it once. */
const foundMemoryMs = 5_000;
/** Roles change seldom: what we have no right to is not asked for by each Pod of a Deployment. */
function mayHaveChanged(answer: SecretAnswer): boolean {
  return answer.kind === 'missing' || (answer.kind === 'unreadable' && answer.mayPass === true);
}

/** Whoever has just made the Secret that was missing does not wait for us to look. */
const missingMemoryMs = 0;
/** What was read so short a time ago is what it is now. */
const newMs = 500;
/** Secrets remembered at once; of 256 KiB each where somebody means ill. */
const secretsMax = 256;
/** Reads of one namespace at once: the API server's fairness is shared with the watches. */
const readsMax = 8;
/** Reads of one namespace that wait: a few Pods' worth of 256 each. */
const waitingMax = 1_000;
/** Namespaces in whose Secrets somebody reads; one that is forgotten ends its reads by itself. */
const namespacesMax = 1_000;
/** A read that nobody waits for any more ends by itself. */
const readTimeoutMs = 5_000;

function unreadable(message: string): SecretAnswer {
  return { kind: 'unreadable', message, mayPass: true };
}
