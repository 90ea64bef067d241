import { readFileSync } from 'node:fs';

/** What the operator takes from its surroundings, as values. */
export interface OperatorEnvironment {
  /** The proxy variables; structurally the OCI client's `ProxySettings`. */
  readonly proxies: {
    readonly httpsProxy?: string;
    readonly httpProxy?: string;
    readonly noProxy?: string;
  };
  /** The namespace of the Pod that this process runs in; absent outside a cluster. */
  readonly ownNamespace?: string;
}

/** Where the kubelet puts it. */
const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Reads the proxies as Go does (upper case first, empty is unset), and where the process runs. */
export function loadEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): OperatorEnvironment {
  const read = (name: string) => variables[name] || variables[name.toLowerCase()] || undefined;
  const httpsProxy = read('HTTPS_PROXY');
  const httpProxy = read('HTTP_PROXY');
  const noProxy = read('NO_PROXY');
  const ownNamespace = readNamespace();
  return {
    proxies: {
      ...(httpsProxy !== undefined && { httpsProxy }),
      ...(httpProxy !== undefined && { httpProxy }),
      ...(noProxy !== undefined && { noProxy }),
    },
    ...(ownNamespace !== undefined && { ownNamespace }),
  };
}

function readNamespace(): string | undefined {
  try {
    return readFileSync(namespaceFile, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
