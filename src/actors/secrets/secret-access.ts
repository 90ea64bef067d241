import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import type { KubeClient } from '#kube/client.ts';
import { mayReadSecrets } from '#kube/own-access.ts';
import { everywhere } from './secret-rights.ts';

/** Whether Secrets of a namespace may be read at all; in doubt they may. The caller closes it. */
export class SecretAccess {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #flights: SingleFlight<boolean>;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#client = client;
    this.#flights = new SingleFlight<boolean>(runtime, {
      ...{ name: 'secret-access', entriesMax: namespacesMax },
      memoryMs: () => memoryMs,
    });
  }

  readonly mayRead = async (namespace: string): Promise<boolean> => {
    // Most often all of them may be, and then that is asked once.
    if ((await this.#ask(everywhere)) === true) return true;
    return (await this.#ask(namespace)) ?? true;
  };

  /** Ends what is in flight. */
  readonly close = (): void => this.#flights.close();

  async #ask(namespace: string): Promise<boolean | undefined> {
    const run = async ({ signal }: Flight) => {
      const within = namespace === everywhere ? undefined : namespace;
      const answer = await mayReadSecrets(this.#client, within, signal);
      return answer.ok ? answer.value : undefined;
    };
    const signal = AbortSignal.timeout(askTimeoutMs);
    return (await this.#flights.ask({ key: namespace, run, lingers: false }, signal))?.value;
  }
}

/** Roles change seldom, and whoever changes them waits no longer than this. */
const memoryMs = 60_000;
const namespacesMax = 10_000;
const askTimeoutMs = 2_000;
