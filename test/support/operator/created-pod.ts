import { admin } from '#test/support/api-server/plane.ts';

/** A Pod as the API server stored it, or would have, and what the client was told. */
export interface CreatedPod {
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly pod: any;
  readonly warnings: readonly string[];
}

/** Creates a Pod, which the API server asks about first. */
export async function createPod(
  namespace: string,
  spec: object,
  { metadata = {}, dryRun = false }: { readonly metadata?: object; readonly dryRun?: boolean } = {},
): Promise<CreatedPod> {
  const path = `/api/v1/namespaces/${namespace}/pods${dryRun ? '?dryRun=All' : ''}`;
  const { body, warnings } = await admin().create(path, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-', ...metadata },
    spec,
  });
  return { pod: body, warnings };
}

/** One container named `app`. */
export function oneContainer(image: string, extra: object = {}): { containers: object[] } {
  return { containers: [{ name: 'app', image, ...extra }] };
}

/** What kuik wrote on a Pod, read back; `null` where there is nothing. */
export function annotationsOf(pod: CreatedPod['pod']): {
  readonly originals: unknown;
  readonly by: unknown;
  readonly reason: unknown;
} {
  const read = (name: string): unknown =>
    JSON.parse(pod.metadata.annotations?.[`kuik.enix.io/${name}`] ?? 'null');
  return {
    originals: read('original-images'),
    by: read('rewritten-by'),
    reason: read('reason'),
  };
}
