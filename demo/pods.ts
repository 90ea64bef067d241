import type { Api } from '#test/support/api-server/api.ts';

/** A Pod that the demo creates, and what the story says becomes of it. */
export interface PodStory {
  readonly name: string;
  readonly image: string;
  /** The image it must be stored with; the same when nothing changes. */
  readonly expected: string;
  /** `Kind/name` of the resource that must have proposed it; none when nothing changes. */
  readonly by?: string;
  readonly reason?: string;
  /** Why it stays as it is, when it does. */
  readonly stays?: string;
  /** Its image cannot be pulled from anywhere just now. */
  readonly isLost?: boolean;
}

/** What became of a Pod. */
export interface PodOutcome {
  readonly image: string;
  readonly by: string | undefined;
  readonly reason: string | undefined;
  /** What it is pulled with. */
  readonly pullSecrets: readonly string[];
  /** What the API server measured from its question to the webhook's answer; 0 if it asked nobody. */
  readonly admissionMs: number;
  readonly warnings: readonly string[];
  /** Why it is not what the story says; empty when it is. */
  readonly problems: readonly string[];
}

const container = 'app';

/** Creates the Pod on the real API server and compares what is stored with the story. */
export async function createPod(
  admin: Api,
  namespace: string,
  story: PodStory,
): Promise<PodOutcome> {
  const before = await admissionOf(admin);
  const { body: pod, warnings } = await admin.create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: story.name },
    spec: { containers: [{ name: container, image: story.image }] },
  });
  const after = await admissionOf(admin);
  const image: string = pod.spec.containers[0].image;
  const by = annotation(pod, 'rewritten-by');
  const reason = annotation(pod, 'reason');
  const secrets: readonly { readonly name: string }[] = pod.spec.imagePullSecrets ?? [];
  const pullSecrets = secrets.map(({ name }) => name);
  const admissionMs = (after.seconds - before.seconds) * 1000;
  const problems = [
    differs('image', story.expected, image),
    differs('rewritten by', story.by, by),
    differs('reason', story.reason, reason),
    after.reviews === before.reviews ? 'the API server did not ask the webhook' : undefined,
  ].filter((problem) => problem !== undefined);
  return { image, by, reason, pullSecrets, admissionMs, warnings, problems };
}

function annotation(
  pod: { metadata: { annotations?: Record<string, string> } },
  name: string,
): string | undefined {
  const text = pod.metadata.annotations?.[`kuik.enix.io/${name}`];
  return text === undefined ? undefined : JSON.parse(text)[container];
}

function differs(
  what: string,
  expected: string | undefined,
  actual: string | undefined,
): string | undefined {
  if (expected === actual) return undefined;
  return `expected ${what} ${expected ?? 'none'}, got ${actual ?? 'none'}`;
}

const metric = 'apiserver_admission_webhook_admission_duration_seconds';

/** Time that the API server has spent waiting for mutating webhooks; ours is the only one. */
async function admissionOf(admin: Api): Promise<{ seconds: number; reviews: number }> {
  const { body } = await admin.call('GET', '/metrics');
  const total = (suffix: string) => {
    const lines = String(body).matchAll(
      new RegExp(`^${metric}_${suffix}\\{([^}]*)\\} (\\S+)`, 'gm'),
    );
    return [...lines]
      .filter(([, labels]) => labels?.includes('type="admit"'))
      .reduce((sum, [, , value]) => sum + Number(value), 0);
  };
  return { seconds: total('sum'), reviews: total('count') };
}
