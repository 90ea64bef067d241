/** What the operator takes from its surroundings, as values. */
export type OperatorEnvironment = ReturnType<typeof loadEnvironment>;

const kubernetesVariables = ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];

/** Picks what the operator needs; proxies as Go does: upper case first, empty is unset. */
export function loadEnvironment(variables: Readonly<Record<string, string | undefined>>) {
  const read = (name: string) => variables[name] || variables[name.toLowerCase()] || undefined;
  return {
    proxies: {
      httpsProxy: read('HTTPS_PROXY'),
      httpProxy: read('HTTP_PROXY'),
      noProxy: read('NO_PROXY'),
    },
    /** The variables that say where the API server is, by their own names. */
    kubernetes: Object.fromEntries(kubernetesVariables.map((name) => [name, variables[name]])),
  };
}
