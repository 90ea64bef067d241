import { hash } from 'node:crypto';
import { createSingleFlight } from '#actors/single-flight.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { SecretView } from '#core/credentials.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { makeSecretCopy, ownerUidLabel, type SecretCopy, type SecretOwner } from './secret-copy.ts';

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

/** Why a copy could not be put in its place. */
export interface PlaceSecretFailure {
  readonly message: string;
}

/** Puts the copy in the Pod's namespace; the answer is the name to pull with. Doing it twice is once. */
export type PlaceSecret = (
  request: PlaceSecretRequest,
  signal: AbortSignal,
) => Promise<Result<string, PlaceSecretFailure>>;

/** A copy that is in its place, as the API server has it. */
export interface PlacedCopy {
  readonly namespace: string;
  readonly name: string;
  readonly ownerUid: string;
  /** `metadata.uid`: which object of that name it is. */
  readonly uid: string;
  /** `metadata.resourceVersion`. */
  readonly version: string;
}

/** What copies are written with. */
export interface PlaceSecretOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly clock: TimerHeap;
  /** Told of a bug that nobody waits for. */
  readonly onBug: (error: unknown) => void;
}

/** The port, and who listens beside it. */
export interface SecretPlacer {
  readonly place: PlaceSecret;
  /** Called for each copy that a Pod is promised, whether or not it had to be written. */
  readonly subscribe: (listener: (copy: PlacedCopy) => void) => () => void;
  /** Ends what is in flight. */
  readonly close: () => void;
}

type Placed = Result<PlacedCopy, PlaceSecretFailure>;

/** Pods of one Deployment come together; a copy that somebody deletes is back after so long. */
const placedMemoryMs = 5_000;
/** What failed is tried anew with the next Pod. */
const failedMemoryMs = 0;
/** Copies remembered at once: a name each. */
const placedMax = 1_000;
const fieldManager = 'kuik-secret-copies';

/** Makes the port; the caller closes it. */
export function createPlaceSecret(options: PlaceSecretOptions): SecretPlacer {
  const { client, clock, onBug } = options;
  const listeners = new Set<(copy: PlacedCopy) => void>();
  const flights = createSingleFlight<Placed>({
    now: clock.now,
    memoryMs: ({ ok }) => (ok ? placedMemoryMs : failedMemoryMs),
    entriesMax: placedMax,
    onBug,
  });
  const place: PlaceSecret = async ({ owner, source, namespace, dryRun }, signal) => {
    const copy = await makeSecretCopy(source, owner, namespace);
    if (dryRun) return succeed(copy.metadata.name);
    // Hashed, so that no credential stands in a key.
    const key = hash('sha256', JSON.stringify(copy), 'base64');
    const run = (flight: { readonly signal: AbortSignal }) =>
      writeSecretCopy(client, copy, flight.signal);
    const flown = await flights.ask({ key, run, lingers: false }, signal);
    if (flown === undefined) return fail({ message: `${describe(copy)} was not written in time` });
    if (!flown.value.ok) return flown.value;
    for (const listener of listeners) listener(flown.value.value);
    return succeed(copy.metadata.name);
  };
  return {
    place,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: flights.close,
  };
}

/** The parts of a Secret that decide whether it has to be written. */
interface StoredSecret {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Makes the copy what it must be, and writes only where it is not; never over somebody else's. */
export async function writeSecretCopy(
  client: Pick<KubeClient, 'call'>,
  copy: SecretCopy,
  signal: AbortSignal,
): Promise<Result<PlacedCopy, PlaceSecretFailure>> {
  const path = pathOf(copy);
  const found = await client.call<StoredSecret>({ method: 'GET', path }, signal);
  if (found.ok) {
    const stored = found.value;
    if (!isOurs(stored, copy)) {
      return fail({ message: `${describe(copy)} is there and belongs to somebody else` });
    }
    if (isSame(stored, copy)) return succeed(placedOf(copy, stored));
    const room = await makeRoom(client, { stored, copy }, signal);
    if (!room.ok) return refuse(copy, room.error);
  } else if (!isNotFound(found.error)) return refuse(copy, found.error);
  const written = await client.call<StoredSecret>(
    {
      method: 'PATCH',
      path,
      query: { fieldManager, force: true },
      contentType: 'application/apply-patch+yaml',
      body: copy,
    },
    signal,
  );
  return written.ok ? succeed(placedOf(copy, written.value)) : refuse(copy, written.error);
}

function placedOf({ metadata }: SecretCopy, stored: StoredSecret): PlacedCopy {
  const { namespace, name, labels } = metadata;
  const { uid = '', resourceVersion: version = '' } = stored.metadata ?? {};
  return { namespace, name, ownerUid: labels[ownerUidLabel] ?? '', uid, version };
}

/** The type of a Secret cannot be changed: such a one is deleted and made anew. */
async function makeRoom(
  client: Pick<KubeClient, 'call'>,
  { stored, copy }: { readonly stored: StoredSecret; readonly copy: SecretCopy },
  signal: AbortSignal,
): Promise<Result<unknown, ApiFailure>> {
  if (stored.type === copy.type) return succeed(undefined);
  const deleted = await client.call({ method: 'DELETE', path: pathOf(copy) }, signal);
  return !deleted.ok && isNotFound(deleted.error) ? succeed(undefined) : deleted;
}

function isOurs({ metadata }: StoredSecret, copy: SecretCopy): boolean {
  return metadata?.labels?.[ownerUidLabel] === copy.metadata.labels[ownerUidLabel];
}

function isSame(stored: StoredSecret, copy: SecretCopy): boolean {
  const { labels } = copy.metadata;
  return (
    stored.type === copy.type &&
    holdsAll(stored.data ?? {}, copy.data) &&
    holdsAll(copy.data, stored.data ?? {}) &&
    holdsAll(stored.metadata?.labels ?? {}, labels)
  );
}

function holdsAll(
  all: Readonly<Record<string, string>>,
  some: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(some).every(([key, value]) => all[key] === value);
}

function isNotFound(failure: ApiFailure): boolean {
  return failure.kind === 'status' && failure.code === 404;
}

function refuse(copy: SecretCopy, { message }: ApiFailure): Placed {
  return fail({ message: `${describe(copy)} could not be written: ${message}` });
}

function describe({ metadata }: SecretCopy): string {
  return `Secret ${metadata.namespace}/${metadata.name}`;
}

function pathOf({ metadata }: SecretCopy): string {
  return `/api/v1/namespaces/${metadata.namespace}/secrets/${metadata.name}`;
}
