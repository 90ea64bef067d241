import type { Api } from './api.ts';

/** What to fill a namespace with. */
export interface ManyPods {
  readonly namespace: string;
  readonly pods: number;
  /** So many different images are spread over them. */
  readonly images: number;
  /** Images of the containers of one Pod; one of the above unless told. */
  readonly imagesOf?: (index: number) => readonly string[];
}

/** Above this the API server's own queue is what is measured. */
const createsAtOnce = 32;

/**
 * Creates Pods of the usual kind: labels, annotations as tools leave them, environment, probes. No
 * kubelet runs them; to a watcher they are as good as any.
 */
export async function createManyPods(admin: Api, wanted: ManyPods): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < wanted.pods) {
      const index = next;
      next += 1;
      await admin.create(`/api/v1/namespaces/${wanted.namespace}/pods`, ordinaryPod(wanted, index));
    }
  };
  await Promise.all(Array.from({ length: createsAtOnce }, worker));
}

/** One Pod of about 4 KB; 2 KB of them are its container. */
export function ordinaryPod(wanted: Pick<ManyPods, 'images' | 'imagesOf'>, index: number): object {
  const usual = `registry-${index % 40}.example.com/team-${index % 25}/app-${index % wanted.images}:v1.${index % 7}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `app-${index}`,
      labels: {
        app: `app-${index % wanted.images}`,
        'app.kubernetes.io/name': `app-${index % wanted.images}`,
        'app.kubernetes.io/part-of': `team-${index % 25}`,
        'pod-template-hash': (index % 3_000).toString(16).padStart(10, '0'),
      },
      annotations: {
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '8080',
        'checksum/config': String(index % 500).padStart(64, 'a'),
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
          x: 'y'.repeat(1_500),
        }),
      },
    },
    spec: { containers: (wanted.imagesOf?.(index) ?? [usual]).map(ordinaryContainer) },
  };
}

function ordinaryContainer(image: string, index: number): object {
  return {
    name: index === 0 ? 'app' : `app-${index}`,
    image,
    env: Array.from({ length: 15 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value-${n}` })),
    readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
  };
}
