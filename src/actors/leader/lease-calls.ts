import type { LeaseRecord } from '#core/lease.ts';
import { type Result, succeed } from '#core/result.ts';
import type { ApiCall, ApiFailure, KubeClient } from '#kube/client.ts';

/** A Lease as read: its record, and what an update must be based on. */
export interface StoredLease {
  readonly record: LeaseRecord;
  /** The object as it came, so that an update keeps what we do not know. */
  readonly object: LeaseObject;
}

/** The parts of a `coordination.k8s.io/v1` Lease that an election touches. */
export interface LeaseObject {
  readonly metadata?: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

/**
 * Calls for one Lease by name; `durationMs` is assumed of one that does not say. An update fails with
 * `Conflict` when the object changed since it was read.
 */
export function leaseCalls(
  client: KubeClient,
  {
    namespace,
    name,
    durationMs,
  }: { readonly namespace: string; readonly name: string; readonly durationMs: number },
) {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  const kind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  const call = async (
    what: Omit<ApiCall, 'path'> & { readonly path?: string },
    signal: AbortSignal,
  ): Promise<Result<StoredLease, ApiFailure>> => {
    const answer = await client.call<LeaseObject>({ path, ...what }, signal);
    if (!answer.ok) return answer;
    const object = answer.value;
    return succeed({ record: readRecord(object, durationMs), object });
  };
  return {
    read: (signal: AbortSignal) => call({ method: 'GET' }, signal),
    create: (record: LeaseRecord, signal: AbortSignal) => {
      const metadata = writeMetadata({ name, namespace }, record);
      const body = { ...kind, metadata, spec: writeSpec(record) };
      return call({ method: 'POST', path: collection, body }, signal);
    },
    update: ({ object }: StoredLease, record: LeaseRecord, signal: AbortSignal) => {
      const spec = { ...object.spec, ...writeSpec(record) };
      const metadata = writeMetadata(object.metadata, record);
      return call({ method: 'PUT', body: { ...kind, metadata, spec } }, signal);
    },
  };
}

/** What an election asks of the API server. */
export type LeaseCalls = ReturnType<typeof leaseCalls>;

/** What has no field of its own; others who take the Lease leave it alone. */
const expiredTimeAnnotation = 'kuik.enix.io/expired-time';

function writeMetadata(
  metadata: LeaseObject['metadata'],
  { expiredTime }: LeaseRecord,
): LeaseObject['metadata'] {
  if (expiredTime === undefined) return metadata;
  const annotations = { ...metadata?.annotations, [expiredTimeAnnotation]: expiredTime };
  return { ...metadata, annotations };
}

function readRecord({ metadata, spec }: LeaseObject, durationMs: number): LeaseRecord {
  const expiredTime = metadata?.annotations?.[expiredTimeAnnotation];
  const seconds = spec?.leaseDurationSeconds;
  return {
    ...(expiredTime !== undefined && { expiredTime }),
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
