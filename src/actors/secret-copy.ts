import xxhash from 'xxhash-wasm';
import type { SecretView } from '#core/credentials.ts';

/** The resource that a copied Secret belongs to: cluster-scoped, since others read their own. */
export interface SecretOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A copied Secret as it is written: metadata as the API server takes it, data in base64. */
export interface SecretCopy {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** The label that says whose copy it is; names are cut, this one decides (behaviour §3.9). */
export const ownerUidLabel = 'kuik.enix.io/owner-uid';

const group = 'kuik.enix.io';
const version = 'v1alpha1';
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

/** The name of the copy that one resource makes of one Secret, the same in every namespace. */
export async function secretCopyName(
  source: { readonly namespace: string; readonly name: string },
  owner: SecretOwner,
): Promise<string> {
  // What is left of a cut name may end in a dot, and none of its parts may start with a hyphen.
  const name = source.name.slice(0, sourceNameMax).replace(/[.-]+$/, '');
  return `kuik-${name}-${await hashOf(`${source.namespace}/${owner.uid}`)}`;
}

/** The copy of a Secret, of which `source` holds only what is to be copied, for one namespace. */
export async function makeSecretCopy(
  source: SecretView,
  owner: SecretOwner,
  namespace: string,
): Promise<SecretCopy> {
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
        'kuik.enix.io/owner-group': group,
        'kuik.enix.io/owner-version': version,
        'kuik.enix.io/owner-kind': kind,
        'kuik.enix.io/owner-name': await cutLabel(name),
        [ownerUidLabel]: uid,
      },
      ownerReferences: [{ apiVersion: `${group}/${version}`, kind, name, uid }],
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
