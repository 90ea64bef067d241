import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The programs that tests, the demo and the benchmarks run for real. */
export type BinaryName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'registry'
  | 'promql'
  | 'bench-registry'
  | 'crane'
  | 'helm';

/** One program at one version, with where Go finds its source. */
export interface Binary {
  readonly name: BinaryName;
  /** As Go modules write it, `v1.34.4`. */
  readonly version: string;
  /** What it is started for, in the words of who waits for it. */
  readonly purpose: string;
  /** The Go module that pins the version and from which it is built. */
  readonly goModule: string;
  /** What `go build` is given. */
  readonly goPackage: string;
  /** What `go build` calls the result. */
  readonly goOutput: string;
}

/** What the demo starts, in the order in which it is installed. */
export const demoBinaryNames: readonly BinaryName[] = ['etcd', 'registry', 'kube-apiserver'];

/** Every program of the tests. The last ones are for them alone: half as much again to build. */
export const binaryNames: readonly BinaryName[] = [
  ...demoBinaryNames,
  ...(['kube-controller-manager', 'promql', 'helm'] as const),
];

/** What `npm run bench -- copy` is measured with; nothing else asks for them. */
export const benchBinaryNames: readonly BinaryName[] = ['bench-registry', 'crane'];

const goModules = {
  controlplane: join(import.meta.dirname, '..', '..', 'controlplane'),
  crane: join(import.meta.dirname, '..', '..', 'bench', 'crane'),
  helm: join(import.meta.dirname, '..', '..', 'helm'),
  promql: join(import.meta.dirname, '..', '..', 'promql'),
};

/** Each version of Kubernetes that tests can run on, with the Go module that pins it. */
export const kubernetesModules: Readonly<Record<string, string>> = {
  '1.34': goModules.controlplane,
  '1.37': join(goModules.controlplane, 'kubernetes-1.37'),
};

/** The version that tests run on unless `KUIK_TEST_KUBERNETES` names another. */
export const kubernetesDefault = '1.34';

/** A program with its version, read from the one place that pins it. */
export function binary(name: BinaryName): Binary {
  const { module, goModule = moduleOf(name), isOurs, ...source } = sources[name];
  const pinned = readFileSync(join(goModule, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${module} (v\\S+)`, 'm').exec(pinned)?.[1];
  if (version === undefined) throw new Error(`Expected ${module} in go.mod, found none.`);
  const ours = isOurs === true ? `-${digestOf(goModule)}` : '';
  return { name, version: `${version}${ours}`, goModule, ...source };
}

/** A program of ours changes without another version of what it stands on. */
function digestOf(goModule: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(goModule).toSorted()) {
    if (file.endsWith('.go')) hash.update(readFileSync(join(goModule, file)));
  }
  return hash.digest('hex').slice(0, 8);
}

function moduleOf(name: BinaryName): string {
  if (!name.startsWith('kube-')) return goModules.controlplane;
  const wanted = process.env['KUIK_TEST_KUBERNETES'] ?? kubernetesDefault;
  const found = kubernetesModules[wanted];
  if (found !== undefined) return found;
  const known = Object.keys(kubernetesModules).join(' or ');
  throw new Error(`KUIK_TEST_KUBERNETES: expected ${known}, got ${wanted}.`);
}

interface Source extends Pick<Binary, 'purpose' | 'goPackage' | 'goOutput'> {
  readonly module: string;
  readonly goModule?: string;
  /** Whether its source lies in this repository, beside its `go.mod`. */
  readonly isOurs?: true;
}

const sources: Record<BinaryName, Source> = {
  etcd: {
    module: 'go.etcd.io/etcd/server/v3',
    purpose: 'where the API server keeps its objects',
    goPackage: 'go.etcd.io/etcd/server/v3',
    goOutput: 'server',
  },
  registry: {
    module: 'github.com/distribution/distribution/v3',
    purpose: 'image registries that can be stopped',
    goPackage: './registry',
    goOutput: 'registry',
  },
  'kube-apiserver': {
    module: 'k8s.io/kubernetes',
    purpose: 'the API server that asks kuik about each Pod',
    goPackage: 'k8s.io/kubernetes/cmd/kube-apiserver',
    goOutput: 'kube-apiserver',
  },
  'kube-controller-manager': {
    module: 'k8s.io/kubernetes',
    purpose: 'owners, namespaces and Deployments in tests',
    goPackage: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    goOutput: 'kube-controller-manager',
  },
  promql: {
    ...{ module: 'github.com/prometheus/prometheus', goModule: goModules.promql, isOurs: true },
    purpose: 'tests of alerting rules, and the queries of the dashboard',
    goPackage: '.',
    goOutput: 'promql',
  },
  'bench-registry': {
    module: 'github.com/distribution/distribution/v3',
    purpose: 'registries that copies are measured between',
    goPackage: './bench-registry',
    goOutput: 'bench-registry',
  },
  crane: {
    module: 'github.com/google/go-containerregistry',
    purpose: 'the copier that ours is measured beside',
    goModule: goModules.crane,
    goPackage: 'github.com/google/go-containerregistry/cmd/crane',
    goOutput: 'crane',
  },
  helm: {
    module: 'helm.sh/helm/v4',
    purpose: 'the chart as users render it',
    goModule: goModules.helm,
    goPackage: 'helm.sh/helm/v4/cmd/helm',
    goOutput: 'helm',
  },
};
