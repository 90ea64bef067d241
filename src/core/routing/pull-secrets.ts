import { cutText } from '#core/cut-text.ts';
import { isSubdomain } from '#core/filter/selector-requirement.ts';
import { isObject } from '#core/json.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { SecretName } from '#core/secret.ts';

/** As they came from outside: an empty name is passed over, what can be no name is broken. */
export function pullSecretsOf({ pod, namespace }: PodAdmission): NamedPullSecrets {
  const written: unknown = pod.spec?.imagePullSecrets;
  const items: readonly unknown[] = Array.isArray(written) ? written : [];
  const names = Iterator.from(items)
    .map((item) => (isObject(item) ? item['name'] : undefined))
    .filter((name) => typeof name === 'string' && name !== '')
    .take(pullSecretsMax);
  const own: SecretName[] = [];
  const warnings: string[] = [];
  for (const name of new Set(names)) {
    if (isSubdomain(name)) own.push({ namespace, name });
    else
      warnings.push(
        `Secret ${cutText(`${namespace}/${name}`, namesBytesMax)} is skipped: no Secret has that name`,
      );
  }
  return { own, warnings };
}

/** The pull secrets that a Pod names. */
export interface NamedPullSecrets {
  /** Each once, in the Pod's order. */
  readonly own: readonly SecretName[];
  /** Of names that no Secret can have, for whoever creates the Pod. */
  readonly warnings: readonly string[];
}

/** Pull secrets that are looked at (behaviour §2). */
const pullSecretsMax = 256;
/** Two names of 253 bytes at most, if they were names. */
const namesBytesMax = 512;
