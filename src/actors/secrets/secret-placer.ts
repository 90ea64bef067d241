import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import type { SecretView } from '#core/credentials.ts';
import { Listeners } from '#core/listeners.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { secretNameText } from '#core/secret.ts';
import { applyObject, deleteObject } from '#kube/apply.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import { resourcePath } from '#kube/paths.ts';
import {
  isOurCopy,
  type PlacedCopy,
  placedCopy,
  type StoredSecret,
  secretPlace,
} from './read-secret.ts';
import { makeSecretCopy, ownerUidLabel, type SecretCopy, type SecretOwner } from './secret-copy.ts';

/** Puts copies of Secrets beside the Pods that need them; the caller closes it. */
export class SecretPlacer {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #flights: SingleFlight<Placed>;
  readonly #placed = new Listeners<[copy: PlacedCopy]>();
  /** Called for each copy that a Pod is promised, whether or not it had to be written. */
  readonly subscribe = this.#placed.subscribe;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#client = client;
    this.#flights = new SingleFlight(runtime, {
      name: 'secret-placer',
      memoryMs: ({ ok }) => (ok ? placedMemoryMs : failedMemoryMs),
      entriesMax: placedMax,
    });
  }

  /** The answer is the name to pull with. Doing it twice is once. */
  readonly place = async (
    { owner, source, namespace, dryRun }: PlaceSecretRequest,
    signal: AbortSignal,
  ): Promise<Result<string, string>> => {
    const copy = await makeSecretCopy(source, owner, namespace);
    if (dryRun) return succeed(copy.metadata.name);
    // Hashed, so that no credential stands in a key.
    const key = hash('sha256', JSON.stringify(copy), 'base64');
    const run = (flight: Flight) => writeSecretCopy(this.#client, copy, flight.signal);
    const answer = await this.#flights.ask({ key, run, lingers: false }, signal);
    if (answer === undefined) return fail(`${describe(copy)} was not written in time`);
    if (!answer.value.ok) return fail(answer.value.error.message);
    this.#placed.tell(answer.value.value);
    return succeed(copy.metadata.name);
  };

  /** Ends what is in flight. */
  readonly close = (): void => this.#flights.close();
}

/** What a Pod needs to pull its image. */
export interface PlaceSecretRequest {
  readonly owner: SecretOwner;
  /** The Secret that the owner names, with only what it declares with it. */
  readonly source: SecretView;
  /** The Pod's. */
  readonly namespace: string;
  /** Nothing is written; the answer is the name that it would have. */
  readonly dryRun: boolean;
}

/** The copy in its place, or why it could not be put there. */
type Placed = Result<PlacedCopy, CopyProblem>;

/** Why a copy is not in its place. */
export interface CopyProblem {
  readonly message: string;
  /** Of the API server; absent where it was not its refusal. */
  readonly failure?: ApiFailure;
}

/** Pods of one Deployment come together; a copy that somebody deletes is back after so long. */
const placedMemoryMs = 5_000;
/** What failed is tried anew with the next Pod. */
const failedMemoryMs = 0;
/** Copies remembered at once: a name each. */
const placedMax = 1_000;
const fieldManager = 'kuik-secret-copies';

/** Makes the copy what it must be, and writes only where it is not; never over somebody else's. */
export async function writeSecretCopy(
  client: Pick<KubeClient, 'call'>,
  copy: SecretCopy,
  signal: AbortSignal,
): Promise<Placed> {
  const place = secretPlace(copy.metadata);
  const found = await client.call<StoredSecret>(
    { method: 'GET', path: resourcePath(place) },
    signal,
  );
  const settled = settle(copy, found);
  if (settled !== undefined) return settled;
  if (found.ok && found.value.type !== copy.type) {
    // The type of a Secret cannot be changed: such a one is deleted and made anew.
    const { uid = '' } = found.value.metadata ?? {};
    const deleted = await deleteObject(client, { place, uid }, signal);
    if (!deleted.ok) return refuse(copy, deleted.error);
  }
  const options = { fieldManager };
  const written = await applyObject<StoredSecret>(client, { place, object: copy, options }, signal);
  return written.ok ? succeed(placedCopy(written.value)) : refuse(copy, written.error);
}

/** What there is to say without writing; undefined where the copy has to be written. */
function settle(copy: SecretCopy, found: Result<StoredSecret, ApiFailure>): Placed | undefined {
  if (!found.ok) return hasCode(found.error, 404) ? undefined : refuse(copy, found.error);
  if (!isOurs(found.value, copy)) {
    return fail({ message: `${describe(copy)} is there and belongs to somebody else` });
  }
  return isSame(found.value, copy) ? succeed(placedCopy(found.value)) : undefined;
}

function isOurs(stored: StoredSecret, copy: SecretCopy): boolean {
  const { labels } = copy.metadata;
  const isLabelled = stored.metadata?.labels?.[ownerUidLabel] === labels[ownerUidLabel];
  return isLabelled && isOurCopy({ metadata: { ...stored.metadata, name: copy.metadata.name } });
}

function isSame({ type, data = {}, metadata }: StoredSecret, copy: SecretCopy): boolean {
  const { labels } = copy.metadata;
  const held = { ...metadata?.labels };
  return (
    type === copy.type &&
    isDeepStrictEqual(data, copy.data) &&
    // Those of kuik v2 have none, and are given one.
    (metadata?.ownerReferences ?? []).length > 0 &&
    Object.entries(labels).every(([key, value]) => held[key] === value)
  );
}

function refuse(copy: SecretCopy, failure: ApiFailure): Placed {
  // Whoever creates the Pod reads this, and need not know whose account it is that has no right.
  const why = hasCode(failure, 403)
    ? 'the API server does not let kuik write it there'
    : failure.message;
  return fail({ message: `${describe(copy)} could not be written: ${why}`, failure });
}

function describe({ metadata }: SecretCopy): string {
  return `Secret ${secretNameText(metadata)}`;
}
