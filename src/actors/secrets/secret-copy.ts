import xxhash from 'xxhash-wasm';
import { apiGroup, apiVersionName } from '#api/kinds.ts';
import { readCredentialKey } from '#core/credential-key.ts';
import { lendsToLocation } from '#core/credential-location.ts';
import { dockerConfigField, openSecret, type SecretView } from '#core/credentials.ts';
import { isObject, type JsonObject, parseJson } from '#core/json.ts';
import type { Location } from '#core/routing/location.ts';
import type { SecretName } from '#core/secret.ts';

/** The resource that a copied Secret belongs to. */
export interface SecretOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A copied Secret as it is written: metadata as the API server takes it, data in base64. */
export type SecretCopy = Awaited<ReturnType<typeof makeSecretCopy>>;

/** The label that says whose copy it is; names are cut, this one decides (behaviour §3.9). */
export const ownerUidLabel = 'kuik.enix.io/owner-uid';

/** A name of 253 characters, less `kuik-`, a hyphen and 16 digits of hash. */
const sourceNameMax = 231;
const labelMax = 63;
const hashDigits = 16;

const hashing = xxhash();

/** kuik v2's hash: xxhash64 as 16 hexadecimal digits. */
async function hashOf(text: string): Promise<string> {
  const { h64ToString } = await hashing;
  return h64ToString(text);
}

/** With what the name of each copy ends that one resource makes of Secrets of one namespace. */
export async function secretCopyHash(namespace: string, ownerUid: string): Promise<string> {
  return await hashOf(`${namespace}/${ownerUid}`);
}

/** The name of the copy that one resource makes of one Secret, the same in every namespace. */
export async function secretCopyName(source: SecretName, owner: SecretOwner): Promise<string> {
  // What is left of a cut name may end in a dot, and none of its parts may start with a hyphen.
  const name = source.name.slice(0, sourceNameMax).replace(/[.-]+$/, '');
  return `kuik-${name}-${await secretCopyHash(source.namespace, owner.uid)}`;
}

/**
 * The Secret with only those keys of its docker config, as written, that can serve an image at one
 * of the locations: what other registries it opens stays at home. Undefined when none does.
 */
export function reduceSecret(
  secret: SecretView,
  locations: readonly Location[],
): SecretView | undefined {
  const field = dockerConfigField(secret);
  // What is too large to be opened is not looked into here either.
  if (field === undefined || openSecret(secret).entries.length === 0) return undefined;
  const written = toObject(parseJson(secret.data[field] ?? ''));
  // Go finds the field in any case, and so does the kubelet.
  const [name = 'auths'] = Object.keys(written).filter((key) => key.toLowerCase() === 'auths');
  const entries = field === '.dockercfg' ? written : toObject(written[name]);
  const serving = Object.entries(entries).filter(([key]) => isLent(key, locations));
  if (serving.length === 0) return undefined;
  const kept = Object.fromEntries(serving);
  const config = field === '.dockercfg' ? kept : { [name]: kept };
  return { ...secret, data: { [field]: JSON.stringify(config) } };
}

/** Whether what stands under a key is lent for one of the locations. */
export function isLent(written: string, locations: readonly Location[]): boolean {
  const key = readCredentialKey(written);
  return key !== undefined && locations.some((location) => lendsToLocation(key, location));
}

function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The copy of a Secret, of which `source` holds only what is to be copied, for one namespace. */
export async function makeSecretCopy(source: SecretView, owner: SecretOwner, namespace: string) {
  const data = Object.entries(source.data).map(([key, text]) => [
    key,
    Buffer.from(text, 'utf8').toString('base64'),
  ]);
  const { kind, name, uid } = owner;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: await secretCopyName(source, owner),
      namespace,
      labels: {
        'kuik.enix.io/owner-group': apiGroup,
        'kuik.enix.io/owner-version': apiVersionName,
        'kuik.enix.io/owner-kind': kind,
        'kuik.enix.io/owner-name': await cutLabel(name),
        [ownerUidLabel]: uid,
      },
      ownerReferences: [{ apiVersion: `${apiGroup}/${apiVersionName}`, kind, name, uid }],
    },
    type: source.type,
    data: Object.fromEntries(data),
  };
}

/** A label holds 63 characters, a name 253: a longer one ends in its hash. */
async function cutLabel(name: string): Promise<string> {
  if (name.length <= labelMax) return name;
  return `${name.slice(0, labelMax - hashDigits - 1)}-${await hashOf(name)}`;
}
