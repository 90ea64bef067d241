/** What the operator takes from its surroundings, as values. */
export interface OperatorEnvironment {
  /** The proxy variables; structurally the OCI client's `ProxySettings`. */
  readonly proxies: {
    readonly httpsProxy?: string;
    readonly httpProxy?: string;
    readonly noProxy?: string;
  };
  /** The variables that say where the API server is, by their own names. */
  readonly kubernetes: Readonly<Record<string, string | undefined>>;
}

const kubernetesVariables = ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];

/** Picks what the operator needs; proxies as Go does: upper case first, empty is unset. */
export function loadEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): OperatorEnvironment {
  const read = (name: string) => variables[name] || variables[name.toLowerCase()] || undefined;
  const httpsProxy = read('HTTPS_PROXY');
  const httpProxy = read('HTTP_PROXY');
  const noProxy = read('NO_PROXY');
  return {
    proxies: {
      ...(httpsProxy !== undefined && { httpsProxy }),
      ...(httpProxy !== undefined && { httpProxy }),
      ...(noProxy !== undefined && { noProxy }),
    },
    kubernetes: Object.fromEntries(kubernetesVariables.map((name) => [name, variables[name]])),
  };
}
