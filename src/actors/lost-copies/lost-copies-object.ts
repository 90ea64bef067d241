import { hash } from 'node:crypto';
import { type Result, succeed } from '#core/result.ts';
import { type LostCopy, readLostCopy, writeLostCopy } from '#core/routing/lost-copies.ts';
import { applyObject, mergeObject } from '#kube/apply.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import type { ResourcePlace } from '#kube/paths.ts';

/** The ConfigMap in the operator's namespace through which replicas hand lost copies to the leader. */
export const lostCopiesName = 'kuik-lost-copies';

/** Where it is. */
export function lostCopiesPlace(namespace: string): ResourcePlace {
  return { group: '', version: 'v1', plural: 'configmaps', namespace, name: lostCopiesName };
}

/** Entries as they stand there, by key; one that cannot be read is only to be taken out. */
export type LostCopyEntries = ReadonlyMap<string, LostCopy | undefined>;

/** What is read of the ConfigMap. */
export interface LostCopiesObject {
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Reads its entries. */
export function readEntries({ data = {} }: LostCopiesObject): LostCopyEntries {
  return new Map(Object.entries(data).map(([key, text]) => [key, readLostCopy(text)]));
}

/**
 * Puts one in, and says how many stand there then. Each has a key of its own and is applied in that
 * key's name: no replica ever touches another's, and two that saw the same write the same.
 */
export async function putLostCopy(
  client: Pick<KubeClient, 'call'>,
  { namespace, lost }: { readonly namespace: string; readonly lost: LostCopy },
  signal: AbortSignal,
): Promise<Result<number, ApiFailure>> {
  const text = writeLostCopy(lost);
  // A key has letters, digits and dots, and at most 253 of them.
  const key = hash('sha256', text, 'hex').slice(0, keyCharacters);
  const object = { ...objectOf(namespace), data: { [key]: text } };
  const options = { fieldManager: `kuik-lost-${key}` };
  const place = lostCopiesPlace(namespace);
  const applied = await applyObject<LostCopiesObject>(client, { place, object, options }, signal);
  return applied.ok ? succeed(Object.keys(applied.value.data ?? {}).length) : applied;
}

/** Takes out those with these keys, whoever put them in, and no others. */
export async function takeOut(
  client: Pick<KubeClient, 'call'>,
  { namespace, keys }: { readonly namespace: string; readonly keys: readonly string[] },
  signal: AbortSignal,
): Promise<Result<unknown, ApiFailure>> {
  const object = { data: Object.fromEntries(keys.map((key) => [key, null])) };
  const options = { fieldManager: 'kuik-lost-copies' };
  const place = lostCopiesPlace(namespace);
  return await mergeObject(client, { place, object, options }, signal);
}

/** Half of a hash tells as many apart as there can be. */
const keyCharacters = 32;

function objectOf(namespace: string) {
  const labels = { 'app.kubernetes.io/name': 'kuik' };
  const metadata = { name: lostCopiesName, namespace, labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}
