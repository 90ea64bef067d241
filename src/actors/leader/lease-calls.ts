import type { LeaseRecord } from '#core/lease.ts';
import type { Result } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';

/** A Lease as read: its record, and what an update must be based on. */
export interface StoredLease {
  readonly record: LeaseRecord;
  /** The object as it came, so that an update keeps what we do not know. */
  readonly object: LeaseObject;
}

/** The parts of a `coordination.k8s.io/v1` Lease that an election touches. */
export interface LeaseObject {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

/** One Lease by name. An update fails with `Conflict` when the object changed since it was read. */
export interface LeaseCalls {
  readonly read: (signal: AbortSignal) => Promise<Result<StoredLease, ApiFailure>>;
  readonly create: (
    record: LeaseRecord,
    signal: AbortSignal,
  ) => Promise<Result<StoredLease, ApiFailure>>;
  readonly update: (
    before: StoredLease,
    record: LeaseRecord,
    signal: AbortSignal,
  ) => Promise<Result<StoredLease, ApiFailure>>;
}

/** Calls for the Lease `name`; `durationMs` is assumed of one that does not say. */
export function leaseCalls(
  client: KubeClient,
  lease: { readonly namespace: string; readonly name: string; readonly durationMs: number },
): LeaseCalls {
  const { namespace, name } = lease;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  const kind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  const store = (answer: Result<LeaseObject, ApiFailure>): Result<StoredLease, ApiFailure> =>
    answer.ok
      ? {
          ok: true,
          value: { record: readRecord(answer.value, lease.durationMs), object: answer.value },
        }
      : answer;
  return {
    read: async (signal) => store(await client.call({ method: 'GET', path }, signal)),
    create: async (record, signal) => {
      const metadata = writeMetadata({ name, namespace }, record);
      const body = { ...kind, metadata, spec: writeSpec(record) };
      return store(await client.call({ method: 'POST', path: collection, body }, signal));
    },
    update: async (before, record, signal) => {
      const spec = { ...before.object.spec, ...writeSpec(record) };
      const body = { ...kind, metadata: writeMetadata(before.object.metadata, record), spec };
      return store(await client.call({ method: 'PUT', path, body }, signal));
    },
  };
}

/** What has no field of its own; others who take the Lease leave it alone. */
const expiredTimeAnnotation = 'kuik.enix.io/expired-time';

function writeMetadata(
  metadata: LeaseObject['metadata'],
  { expiredTime }: LeaseRecord,
): LeaseObject['metadata'] {
  if (expiredTime === undefined) return metadata;
  const annotations = { ...annotationsOf(metadata), [expiredTimeAnnotation]: expiredTime };
  return { ...metadata, annotations };
}

function annotationsOf(metadata: LeaseObject['metadata']): Readonly<Record<string, unknown>> {
  const annotations = metadata?.['annotations'];
  return typeof annotations === 'object' && annotations !== null
    ? (annotations as Readonly<Record<string, unknown>>)
    : {};
}

function readRecord({ metadata, spec }: LeaseObject, durationMs: number): LeaseRecord {
  const expiredTime = annotationsOf(metadata)[expiredTimeAnnotation];
  const seconds = spec?.leaseDurationSeconds;
  return {
    ...(typeof expiredTime === 'string' && { expiredTime }),
    holder: spec?.holderIdentity ?? '',
    durationMs: typeof seconds === 'number' ? seconds * 1_000 : durationMs,
    acquireTime: spec?.acquireTime ?? '',
    renewTime: spec?.renewTime ?? '',
    transitions: spec?.leaseTransitions ?? 0,
  };
}

function writeSpec(record: LeaseRecord): LeaseObject['spec'] {
  return {
    holderIdentity: record.holder,
    // The API server wants whole seconds, at least one.
    leaseDurationSeconds: Math.max(1, Math.round(record.durationMs / 1_000)),
    acquireTime: record.acquireTime,
    renewTime: record.renewTime,
    leaseTransitions: record.transitions,
  };
}
