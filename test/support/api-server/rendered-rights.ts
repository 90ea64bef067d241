import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findBinary } from '#test/support/binaries/binaries.ts';
import type { KubeObject } from './api.ts';

/** What the chart's values say of the operator's rights. */
export interface Rights {
  /** `rbac.secrets`; the chart's default, all of them, unless told. */
  readonly secrets?: 'all' | 'none' | readonly string[];
  /**
   * `rbac.policy`; left out unless told: it is in force for the whole cluster, and in most tests an
   * administrator plays kuik v2, another replica or somebody who means ill.
   */
  readonly policy?: { readonly exempt?: readonly string[] };
  /** `debug.remote`. */
  readonly debugRemote?: boolean;
  /** `manager.certManager.enabled`: the certificate is not the operator's to keep. */
  readonly certManager?: boolean;
  /** `configuration.mirroring.platforms`. */
  readonly platforms?: 'all' | 'auto';
}

/** Names that stand for those of a release, and for nothing else. */
export const placeholders = { name: 'name-of-the-release', namespace: 'namespace-of-the-release' };

const chart = join(import.meta.dirname, '..', '..', '..', 'chart');
/** The operator runs beside the cluster in tests: of the chart it needs its rights alone. */
const templates = [
  ...['service-account', 'cluster-role', 'cluster-role-binding', 'role', 'role-binding'],
  ...['secret-roles', 'write-policies'],
];
const renderedBytesMax = 16 * 1024 * 1024;

/** The manifests that say what the operator may do, as Helm renders them; comments and all. */
export async function renderRights(
  { name, namespace }: { readonly name: string; readonly namespace: string },
  rights: Rights = {},
): Promise<string> {
  const { secrets = 'all', policy, debugRemote: remote = false, platforms = 'auto' } = rights;
  const values = {
    manager: { certManager: { enabled: rights.certManager === true } },
    rbac: { secrets, policy: { enabled: policy !== undefined, ...policy } },
    debug: { remote },
    configuration: { mirroring: { platforms } },
  };
  const args = ['template', name, chart, '--namespace', namespace, '--values', '-'];
  const options = { input: JSON.stringify(values), maxBuffer: renderedBytesMax } as const;
  // It takes a tenth of a second, and reads nothing but the chart.
  const all = execFileSync(await findBinary('helm'), args, { ...options, encoding: 'utf8' });
  const isRights = (text: string) =>
    templates.some((template) => text.startsWith(`# Source: kuik/templates/${template}.yaml\n`));
  return all
    .split(/^---\n/m)
    .filter(isRights)
    .map((text) => `---\n${text.trimEnd()}\n`)
    .join('');
}

/** The objects of a text of manifests. */
export function parseManifests(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((one) => one.toJS() as KubeObject | null)
    .filter((one) => one !== null);
}
