import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The programs that tests, the demo and the benchmarks run for real. */
export type BinaryName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'registry';

/** One program at one version, with where Go finds its source. */
export interface Binary {
  readonly name: BinaryName;
  /** As Go modules write it, `v1.34.4`. */
  readonly version: string;
  /** What `go build` is given. */
  readonly goPackage: string;
  /** What `go build` calls the result. */
  readonly goOutput: string;
}

/** Every program, in the order in which they are installed. */
export const binaryNames: readonly BinaryName[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'registry',
];

/** The Go module that pins each version and from which what is missing is built. */
export const goModuleDirectory = join(import.meta.dirname, '..', '..', 'controlplane');

/** A program with its version, read from the one place that pins it. */
export function binary(name: BinaryName): Binary {
  const { module, path, output } = goSources[name];
  const pinned = readFileSync(join(goModuleDirectory, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${module} (v\\S+)`, 'm').exec(pinned)?.[1];
  if (version === undefined) throw new Error(`Expected ${module} in go.mod, found none.`);
  return { name, version, goPackage: `${module}${path}`, goOutput: output };
}

const goSources: Record<BinaryName, { module: string; path: string; output: string }> = {
  etcd: { module: 'go.etcd.io/etcd/server/v3', path: '', output: 'server' },
  'kube-apiserver': {
    module: 'k8s.io/kubernetes',
    path: '/cmd/kube-apiserver',
    output: 'kube-apiserver',
  },
  'kube-controller-manager': {
    module: 'k8s.io/kubernetes',
    path: '/cmd/kube-controller-manager',
    output: 'kube-controller-manager',
  },
  registry: {
    module: 'github.com/distribution/distribution/v3',
    path: '/cmd/registry',
    output: 'registry',
  },
};
