import { type ChartValue, readChartValues } from './chart-values.ts';

/** The text of `docs/chart.md`: every value of the chart. */
export function chartPage(): string {
  return [
    '# The values of the chart',
    '',
    'Made from `chart/values.yaml` by `node scripts/generate-config-docs.ts`; a test compares. Helm',
    'checks them by `chart/values.schema.json`: an unknown value, or one of another type, stops',
    '`helm install` with its place. Values that kuik v2’s chart has are named as there.',
    '',
    ...life,
    '## Values',
    '',
    '| value | default | meaning |',
    '| --- | --- | --- |',
    ...listValues(readChartValues(), ''),
    '',
  ].join('\n');
}

/** From the installation to the end. */
const life = `\
\`\`\`sh
helm install kuik oci://REGISTRY/charts/kuik --namespace kuik-system --create-namespace
helm test kuik --namespace kuik-system --logs     # \`kuik check\`: does it work, and if not, why
helm upgrade kuik oci://REGISTRY/charts/kuik --namespace kuik-system --values values.yaml
helm uninstall kuik --namespace kuik-system
\`\`\`

## Who writes what

The chart makes everything but these, which the operator makes itself: its Lease, the ConfigMaps
\`kuik-lost-copies\` and \`kuik-overflow-…\`, copies of pull secrets beside the Pods that need them, and,
without cert-manager, its certificate (the Secret \`kuik-webhook\`). Of what the chart makes it writes one
field, the webhook configuration's \`caBundle\`, which no manifest names: server-side apply leaves that to
it, so Argo CD, Flux and \`helm upgrade\` see no difference and put nothing back. With cert-manager it is
the operator too that writes it, from the \`ca.crt\` that it serves with. So the chart sets no
\`inject-ca-from\`: cert-manager would write a new authority before the Pods have its certificate, and the
operator the old one again. An issuer that gives no \`ca.crt\` leaves the field to whom
\`manager.webhook.annotations\` names.

## With Argo CD, Flux, kustomize or kubectl

Flux uses Helm itself. Argo CD runs the Job that cleans up as a \`PreDelete\` hook where its version knows
these; where it does not, and wherever only what \`helm template\` renders is applied, leave the hooks out
(\`helm template --no-hooks\`, \`skipHooks\` in kustomize, or \`cleanup.onUninstall=false\`): applied as plain
objects, the Job would clean up at once. Before the end run it by hand, as an administrator:

\`\`\`sh
kuik uninstall --namespace kuik-system --yes      # without --yes it only lists its steps
\`\`\`

## The end of a release

\`helm uninstall\` first runs a Job (\`kuik uninstall\`) with rights of its own, which are there only
meanwhile. It removes the webhook configuration, stops the operator, takes kuik's finalizers off the
resources, and deletes copies of Secrets, ConfigMaps, certificate and Lease. Then Helm removes the rest.
The five definitions and your resources stay, and so do the copies on mirrors; a new release of the same
name finds them (one of another name takes them with \`--take-ownership\`). \`kubectl delete crd -l
app.kubernetes.io/name=kuik\` deletes them and every resource. Should the Job fail, for instance because no
registry gives out its image, the release stays; \`helm uninstall --no-hooks\` removes it all the same, and
\`kuik uninstall\` from anywhere does the rest.

With \`rbac.create=false\` the Job runs as the operator's account, which then needs besides: \`delete\` on
the webhook configuration, \`patch\` on \`deployments/scale\`, \`list\` on Pods of the namespace, \`delete\` on
the Lease and on the Secret \`kuik-webhook\`, and \`patch\` on all five kinds.
`.split('\n');

function listValues(values: readonly ChartValue[], path: string): readonly string[] {
  return values.flatMap((value) => {
    const here = path === '' ? value.name : `${path}.${value.name}`;
    if (value.values !== undefined) return listValues(value.values, here);
    const cells = [`\`${here}\``, `\`${JSON.stringify(value.default)}\``, value.description];
    // A bar inside a cell would end it.
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
}
