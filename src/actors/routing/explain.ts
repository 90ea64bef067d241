import type { Cancellation } from '#core/cancellation.ts';
import type { PodAdmission, PullPolicy } from '#core/pod.ts';
import { skippedDecision } from '#core/routing/decide.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { type RoutePodOptions, routePod } from './route-pod.ts';

/** What a Pod would be like; structurally the `ExplainQuery` of `http`. */
export interface RouteQuery {
  readonly image: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly policy: PullPolicy;
  /** Names of Secrets in that namespace. */
  readonly pullSecrets: readonly string[];
}

/** The one container of a Pod that is only asked about. */
const containerName = 'image';

/** What a Pod with this image would get. Registries are asked; nothing is changed. */
export async function explainImage(
  options: RoutePodOptions,
  query: RouteQuery,
  cancellation: Cancellation,
): Promise<RouteDecision> {
  const { image, namespace, labels, annotations, policy, pullSecrets } = query;
  const container = { name: containerName, image, imagePullPolicy: policy };
  const imagePullSecrets = pullSecrets.map((name) => ({ name }));
  const spec = { containers: [container], imagePullSecrets };
  const pod = { metadata: { namespace, labels, annotations }, spec };
  const admission = { pod, namespace, subresource: '', dryRun: true, uid: '' } as const;
  const [decision] = await explainPod(options, admission, cancellation);
  return decision ?? skippedDecision({ key: containerName, image }, 'no image is named');
}

/** What this Pod would get, image by image. Registries are asked; nothing is changed. */
export async function explainPod(
  options: RoutePodOptions,
  admission: PodAdmission,
  cancellation: Cancellation,
): Promise<readonly RouteDecision[]> {
  const { decisions } = await routePod(options, { ...admission, dryRun: true }, cancellation);
  return decisions;
}
