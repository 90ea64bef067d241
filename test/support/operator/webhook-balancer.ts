import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One replica, as the endpoints of a Service know it. */
export interface Backend {
  readonly webhookPort: number;
  readonly healthUrl: string;
}

/** A TCP balancer in front of replicas, as a Service is: it follows `/readyz` and nothing else. */
export interface WebhookBalancer {
  readonly url: string;
  readonly add: (backend: Backend) => void;
  readonly remove: (backend: Backend) => void;
  readonly close: () => Promise<void>;
}

/** A kubelet sees a container that ended within about a second; the chart's probe asks every two. */
const lookEveryMs = 1_000;
const lookTimeoutMs = 1_000;

/**
 * Starts one. Connections go to the ready ones in turn; one whose backend does not answer is closed,
 * and no other backend is tried for it, as no Service does.
 */
export async function startWebhookBalancer(): Promise<WebhookBalancer> {
  const ready = new Map<Backend, boolean>();
  const sockets = new Set<Socket>();
  const stopping = new AbortController();
  let turn = 0;
  const server = createServer((client) => {
    const backends = [...ready].flatMap(([backend, isReady]) => (isReady ? [backend] : []));
    turn += 1;
    const backend = backends[turn % Math.max(1, backends.length)];
    if (backend === undefined) {
      client.on('error', () => undefined).destroy();
      return;
    }
    const behind = connect(backend.webhookPort, '127.0.0.1');
    join(client, behind);
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const follow = async (backend: Backend) => {
    while (ready.has(backend) && !stopping.signal.aborted) {
      const isReady = await isAnsweredReady(backend);
      if (ready.has(backend)) ready.set(backend, isReady);
      await delay(lookEveryMs, undefined, { ref: false });
    }
  };
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (backend) => {
      ready.set(backend, false);
      void follow(backend);
    },
    remove: (backend) => void ready.delete(backend),
    close: async () => {
      stopping.abort();
      ready.clear();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function join(left: Socket, right: Socket): void {
  left.pipe(right);
  right.pipe(left);
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.setNoDelay(true);
    one.on('error', () => undefined);
    one.on('close', () => other.destroy());
  }
}

async function isAnsweredReady({ healthUrl }: Backend): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(lookTimeoutMs);
    return (await fetch(`${healthUrl}/readyz`, { signal })).status === 200;
  } catch {
    return false;
  }
}
