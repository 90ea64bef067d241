import { withDeadline } from '#actors/deadline.ts';
import { Limiter } from '#actors/limiter.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import { readSecret } from './read-secret.ts';

/** Reads Secrets when they are needed, through memory, each once at a time; the caller closes it. */
export class SecretReader {
  readonly #runtime: Runtime;
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #limiter: Limiter;
  readonly #flights: SingleFlight<SecretAnswer>;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#runtime = runtime;
    this.#client = client;
    this.#limiter = new Limiter(runtime, { concurrency: readsMax, waitingMax });
    this.#flights = new SingleFlight(runtime, {
      name: 'secret-reader',
      memoryMs: ({ kind }) => (kind === 'found' ? foundMemoryMs : missingMemoryMs),
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

  /** A watch has seen that it changed: the next read asks anew. */
  readonly forget = (name: SecretName): void => this.#flights.forget(secretNameText(name));

  /** Ends what is in flight and forgets the rest. */
  readonly close = (): void => {
    this.#flights.close();
    this.#limiter.dismiss();
  };

  async #get(name: SecretName, signal: AbortSignal): Promise<SecretAnswer> {
    const deadline = { deadlineMs: readTimeoutMs, signal };
    const read = await this.#limiter.run(
      () =>
        withDeadline(this.#runtime.clock, deadline, (bounded) =>
          readSecret(this.#client, name, bounded),
        ),
      { signal, timeoutMs: readTimeoutMs },
    );
    if (read.kind === 'done') return read.value;
    return unreadable(`too many Secrets are being read (${read.kind})`);
  }
}

/** A rotated Secret is used within seconds, and Pods of one Deployment read it once. */
const foundMemoryMs = 5_000;
/** Whoever has just made the Secret that was missing should not wait for us to look. */
const missingMemoryMs = 1_000;
/** Secrets remembered at once, a few kilobytes each. */
const secretsMax = 1_000;
/** Reads at once: the API server's fairness is shared with the watches. */
const readsMax = 16;
/** Reads that wait for others: 16 at a time at 5 ms each make that less than a second. */
const waitingMax = 1_000;
/** A read that nobody waits for any more ends by itself. */
const readTimeoutMs = 5_000;

function unreadable(message: string): SecretAnswer {
  return { kind: 'unreadable', message, mayPass: true };
}
