import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { podReview } from '#test/support/operator/pod-review.ts';
import { percentile } from './table.ts';

/** What the client process is asked to send; read as JSON from standard input. */
export interface LoadPlan {
  /** Base of the webhook, `https://127.0.0.1:9443`. */
  readonly url: string;
  readonly authorityPem: string;
  /** Reviews a second, sent on time whatever the answers do; 0 sends as fast as answers come. */
  readonly perSecond: number;
  readonly durationMs: number;
  /**
   * Reviews not counted, sent first one after the other, each with the image below; then one more on
   * each connection, so that all are open.
   */
  readonly warmUp: number;
  readonly warmUpImage: string;
  readonly connections: number;
  /** Taken in turn; `{n}` becomes the number of the review. */
  readonly images: readonly string[];
  readonly namespace: string;
  /** Reviews that took so long are counted: those that waited for a registry that is down. */
  readonly slowMs: number;
  /** Whether each review is told of by itself. */
  readonly trace?: boolean;
  /** Wall time of the first review that counts, ms since the epoch; at once unless told. */
  readonly startAtMs?: number;
}

/** One review: when it was sent, since the first one was due, and how it went. */
export interface LoadSample {
  readonly atMs: number;
  readonly ms: number;
  readonly patched: boolean;
}

/** What came of it; times in ms from sending (or being due) to the whole answer. */
export interface LoadOutcome {
  readonly sent: number;
  readonly failed: number;
  readonly patched: number;
  readonly slow: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Wall time of the first review that counts, ms since the epoch. */
  readonly startedAtMs: number;
  /** Where they were asked for. */
  readonly samples: readonly LoadSample[];
}

/** More in flight than this and the client measures itself. */
const inFlightMax = 2_000;

class Tally {
  readonly startedMs = performance.now();
  readonly startedAtMs = Date.now();
  readonly times: number[] = [];
  readonly samples: LoadSample[] = [];
  failed = 0;
  patched = 0;
}

async function main(): Promise<void> {
  const plan = JSON.parse(readFileSync(0, 'utf8')) as LoadPlan;
  const pool = new Pool(plan.url, {
    connections: plan.connections,
    pipelining: 1,
    connect: { ca: plan.authorityPem },
    allowH2: false,
  });
  const warm = new Tally();
  const warming = { ...plan, images: [plan.warmUpImage] };
  for (let n = 0; n < plan.warmUp; n += 1) await send({ pool, plan: warming, n, tally: warm });
  // All connections open: a handshake takes longer than a review, and one that waits for it brings
  // about the next.
  await Promise.all(
    Array.from({ length: plan.connections }, (_, n) =>
      send({ pool, plan: warming, n, tally: warm }),
    ),
  );
  await delay(Math.max(0, (plan.startAtMs ?? 0) - Date.now()));
  const tally = new Tally();
  await (plan.perSecond === 0 ? saturate(pool, plan, tally) : pace(pool, plan, tally));
  const seconds = (performance.now() - tally.startedMs) / 1000;
  await pool.close();
  const sorted = tally.times.toSorted((left, right) => left - right);
  const outcome: LoadOutcome = {
    sent: sorted.length + tally.failed,
    failed: tally.failed,
    patched: tally.patched,
    slow: sorted.filter((ms) => ms >= plan.slowMs).length,
    perSecond: sorted.length / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
    startedAtMs: tally.startedAtMs,
    samples: tally.samples,
  };
  process.stdout.write(JSON.stringify(outcome));
}

async function saturate(pool: Pool, plan: LoadPlan, tally: Tally): Promise<void> {
  const endMs = performance.now() + plan.durationMs;
  let n = 0;
  const worker = async () => {
    while (performance.now() < endMs) {
      n += 1;
      await send({ pool, plan, n, tally });
    }
  };
  await Promise.all(Array.from({ length: plan.connections }, worker));
}

/** Open loop: a slow answer delays no later review, so that waiting is not hidden. */
async function pace(pool: Pool, plan: LoadPlan, tally: Tally): Promise<void> {
  const startMs = tally.startedMs;
  const count = Math.floor((plan.perSecond * plan.durationMs) / 1000);
  const flying = new Set<Promise<void>>();
  for (let n = 0; n < count; n += 1) {
    const dueMs = startMs + (n * 1000) / plan.perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await delay(waitMs);
    if (flying.size >= inFlightMax) await Promise.race(flying);
    const one = send({ pool, plan, n, tally }).finally(() => flying.delete(one));
    flying.add(one);
  }
  await Promise.all(flying);
}

interface Sending {
  readonly pool: Pool;
  readonly plan: LoadPlan;
  readonly n: number;
  readonly tally: Tally;
}

async function send({ pool, plan, n, tally }: Sending): Promise<void> {
  const body = review(plan, n);
  const startedMs = performance.now();
  try {
    const answer = await pool.request({
      method: 'POST',
      path: '/mutate--v1-pod?timeout=10s',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await answer.body.text();
    const ms = performance.now() - startedMs;
    const patched = text.includes('"patch"');
    tally.times.push(ms);
    if (patched) tally.patched += 1;
    if (plan.trace === true) {
      tally.samples.push({ atMs: startedMs - tally.startedMs, ms, patched });
    }
    if (answer.statusCode !== 200 || !text.includes('"allowed":true')) tally.failed += 1;
  } catch {
    tally.failed += 1;
  }
}

/** Made once: the client's own work must not be what is measured. */
const environment = Array.from({ length: 40 }, (_, index) => ({
  name: `VARIABLE_${index}`,
  value: `value-${index}-${'x'.repeat(60)}`,
}));

/** A review of the usual size: about 9 KB, most of it what the router has no use for. */
function review({ images, namespace }: LoadPlan, n: number): string {
  const image = (images[n % images.length] ?? '').replaceAll('{n}', String(n));
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'bench-',
      namespace,
      labels: { app: 'bench', tier: 'web' },
      annotations: { note: 'y'.repeat(2_000) },
    },
    spec: {
      containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent', env: environment }],
      restartPolicy: 'Always',
      serviceAccountName: 'default',
    },
  };
  const userInfo = { username: 'system:serviceaccount:kube-system:replicaset-controller' };
  return JSON.stringify(
    podReview(pod, { uid: `bench-${n}`, namespace, userInfo, oldObject: null }),
  );
}

if (import.meta.main) await main();
