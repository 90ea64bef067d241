import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiProxy, refusal, startApiProxy } from '#test/support/api-server/api-proxy.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * The operator in its own process reaches the API server only through a proxy; Pods are created
 * past it, so that the webhook is asked while the operator's own calls fail.
 */
let proxy: ApiProxy;
let operator: OperatorProcess;
let registry: TestRegistry;

beforeAll(async () => {
  const { server, authorityPem } = admin();
  [proxy, registry] = await Promise.all([startApiProxy({ server, authorityPem }), startRegistry()]);
  for (const repository of ['first', 'second']) await pushImage(registry, `${repository}/app:1`);
  // It starts in the middle of an outage, and is none the worse for it.
  proxy.setRules({ fault: refusal(503, 'ServiceUnavailable'), times: 30 });
  operator = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    server: proxy.server,
    authorityPem: proxy.authorityPem,
    // Short, so that a test can see a Lease being lost and won again.
    flags: ['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'],
  });
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([proxy?.close(), registry?.remove()]);
});

const connectionsMax = 16;
const watchesMax = 8;

/** Pods of the namespace prefer the second path to the first. */
async function preferSecond(namespace: string): Promise<void> {
  await admin().create(`/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/replicatedimagesets`, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ReplicatedImageSet',
    metadata: { name: 'preferred', namespace },
    spec: {
      priority: -1,
      upstreams: ['/first', '/second'].map((path) => ({
        registry: registry.host,
        path,
        imageFilter: { include: ['/.+'] },
      })),
    },
  });
}

async function candidates(namespace: string): Promise<number> {
  const image = `${registry.host}/first/app:1`;
  const url = `${operator.debugUrl}/debug/route?namespace=${namespace}&image=${image}`;
  const answer = (await (await fetch(url)).json()) as { candidates: unknown[] };
  return answer.candidates.length;
}

/** Where a Pod of the first path is sent. */
async function imageOfPod(namespace: string): Promise<string> {
  const { body } = await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-' },
    spec: { containers: [{ name: 'app', image: `${registry.host}/first/app:1` }] },
  });
  return body.spec.containers[0].image;
}

async function leads(): Promise<boolean> {
  const text = await (await fetch(`${operator.metricsUrl}/metrics`)).text();
  return /^kube_image_keeper_manager_is_leader 1$/m.test(text);
}

/** How often the log says that the API server went, and that it is back. */
function told(): { readonly away: number; readonly back: number } {
  const count = (message: string) =>
    operator
      .logs()
      .split('\n')
      .filter((line) => line.includes(`"msg":"${message}"`)).length;
  return {
    away: count('the API server does not answer; Pods are routed by the last table'),
    back: count('the API server answers again'),
  };
}

interface ApiTrouble {
  readonly name: string;
  readonly begin: () => Promise<void>;
  /** Whether watches still tell what is new. */
  readonly isHeard: boolean;
  /** Whether it is not there at all. */
  readonly isAway?: boolean;
}

const troubles: readonly ApiTrouble[] = [
  {
    name: 'answers 500 to everything',
    isHeard: false,
    begin: async () => {
      proxy.setRules({ fault: refusal(500, 'InternalError') });
      proxy.watches.cut();
    },
  },
  {
    name: 'throttles everything',
    isHeard: false,
    begin: async () => {
      proxy.setRules({ fault: refusal(429, 'TooManyRequests', { 'retry-after': '1' }) });
      proxy.watches.cut();
    },
  },
  { name: 'refuses every connection', isHeard: false, isAway: true, begin: () => proxy.refuse() },
  {
    name: 'takes every call and never answers',
    isHeard: true,
    begin: async () => proxy.setRules({ fault: { kind: 'hang' } }),
  },
];

describe('an API server that', () => {
  test.each(troubles)(
    '$name slows the operator, and stops nothing that it does',
    async (trouble) => {
      const [before, during] = [await freshNamespace(), await freshNamespace()];
      await preferSecond(before);
      await eventually('the operator leads and knows', async () => {
        return (await leads()) && (await candidates(before)) === 2;
      });
      const toldBefore = told();
      await trouble.begin();
      await eventually('the operator has let go of its Lease', async () => !(await leads()));
      await preferSecond(during);
      expect(await imageOfPod(before)).toBe(`${registry.host}/second/app:1`);
      expect((await fetch(`${operator.healthUrl}/readyz`)).status).toBe(200);
      if (!trouble.isHeard) expect(await candidates(during)).toBe(1);
      await proxy.accept();
      proxy.setRules();
      await eventually('the operator leads again', leads);
      // A request that hangs is given up after a minute at the latest.
      await eventually('it has caught up', async () => (await candidates(during)) === 2, {
        withinMs: 30_000,
      });
      expect(await imageOfPod(during)).toBe(`${registry.host}/second/app:1`);
      if (trouble.isAway === true) {
        expect(told()).toEqual({ away: toldBefore.away + 1, back: toldBefore.back + 1 });
      }
      expect(proxy.openConnections()).toBeLessThanOrEqual(connectionsMax + watchesMax);
      expect(operator.logs().match(/kuik is starting/g)).toHaveLength(1);
      // One line when it went, one when it was back, whoever waited for it meanwhile.
      expect(operator.logs()).not.toMatch(/watch interrupted.*(ECONNREFUSED|ECONNRESET|503)/);
      const gone = operator.logs().match(/the API server does not answer/g)?.length ?? 0;
      const back = operator.logs().match(/the API server answers again/g)?.length ?? 0;
      expect(back).toBeGreaterThanOrEqual(1);
      expect(gone - back).toBeLessThanOrEqual(1);
      expect(operator.logs()).not.toMatch(/"level":"?(error|50)"?/);
    },
  );
});
