import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '#test/bench/table.ts';
import type { ApiAnswer } from '#test/support/api-server/api.ts';
import type { AvailabilityStage } from './availability-stage.ts';

/** What is done to a stage while Pods are admitted. */
export interface AvailabilityPlan {
  readonly admissions: number;
  readonly perSecond: number;
  /** How often the leader is killed, each time so long after it took over. */
  readonly kills: number;
  readonly killAfterMs: number;
  /** How often the API server is ended and started again. */
  readonly restarts: number;
}

/** What came of it. */
export interface AvailabilityOutcome {
  readonly admitted: number;
  /** What the API server answered to Pods that it did not admit, its own restarts aside. */
  readonly refused: readonly string[];
  /** Admitted as they came: whoever was to be asked had just been killed. */
  readonly unrouted: number;
  /** Of those that were not sent around a restart of the API server, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly samples: number;
  /** From each kill to the next leader, ms. */
  readonly takeOversMs: readonly number[];
}

/** After a restart the API server opens its connections to webhooks anew, and reads its caches. */
const afterRestartMs = 3_000;
const retryMs = 100;

/** Creates Pods at a steady rate while leaders are killed and the API server restarts. */
export async function runAvailability(
  stage: AvailabilityStage,
  plan: AvailabilityPlan,
): Promise<AvailabilityOutcome> {
  const load = new Load(stage, plan);
  const takeOversMs: number[] = [];
  const trouble = async () => {
    const restartAfter = Math.ceil(plan.kills / (plan.restarts + 1));
    for (let kill = 1; kill <= plan.kills; kill += 1) {
      await stage.replicas.leader();
      await delay(plan.killAfterMs);
      const killedMs = performance.now();
      const replaced = stage.kill();
      await delay(retryMs);
      await stage.replicas.leader();
      takeOversMs.push(performance.now() - killedMs);
      await replaced;
      const isRestartDue = kill % restartAfter === 0 && kill / restartAfter <= plan.restarts;
      if (isRestartDue) await load.around(stage.plane.restartApiServer);
    }
  };
  let isOver = false;
  const troubled = trouble().finally(() => {
    isOver = true;
  });
  await load.send(() => isOver);
  await troubled;
  return { ...load.outcome(), takeOversMs };
}

interface Sample {
  readonly sentMs: number;
  readonly ms: number;
}

/** Pods that are created on time, whatever the answers do. */
class Load {
  readonly #stage: AvailabilityStage;
  readonly #plan: AvailabilityPlan;
  readonly #samples: Sample[] = [];
  readonly #refused: string[] = [];
  readonly #restarts: { readonly fromMs: number; untilMs: number }[] = [];
  #unrouted = 0;

  constructor(stage: AvailabilityStage, plan: AvailabilityPlan) {
    this.#stage = stage;
    this.#plan = plan;
  }

  /** Runs what the API server does not survive; what is sent then may fail and counts in no time. */
  async around(work: () => Promise<void>): Promise<void> {
    const restart = { fromMs: performance.now(), untilMs: Number.POSITIVE_INFINITY };
    this.#restarts.push(restart);
    await work();
    restart.untilMs = performance.now() + afterRestartMs;
  }

  async send(isOver: () => boolean): Promise<void> {
    const startMs = performance.now();
    const flying = new Set<Promise<void>>();
    for (let n = 0; n < this.#plan.admissions || !isOver(); n += 1) {
      const waitMs = startMs + (n * 1_000) / this.#plan.perSecond - performance.now();
      if (waitMs > 1) await delay(waitMs);
      const one = this.#admit(n).finally(() => flying.delete(one));
      flying.add(one);
    }
    await Promise.all(flying);
  }

  outcome(): Omit<AvailabilityOutcome, 'takeOversMs'> {
    const counted = this.#samples.filter((sample) => !this.#isInRestart(sample));
    const times = counted.map(({ ms }) => ms).toSorted((left, right) => left - right);
    return {
      ...{ admitted: this.#samples.length, refused: this.#refused, unrouted: this.#unrouted },
      ...{ p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) },
      ...{ maxMs: times.at(-1) ?? Number.NaN, samples: times.length },
    };
  }

  #isInRestart({ sentMs, ms }: Sample): boolean {
    return this.#restarts.some(({ fromMs, untilMs }) => sentMs <= untilMs && sentMs + ms >= fromMs);
  }

  /** Once more until it is there, as every controller does it. */
  async #admit(n: number): Promise<void> {
    const { images } = this.#stage;
    const image = images[n % images.length] ?? '';
    const sentMs = performance.now();
    for (;;) {
      const answer = await this.#create(`app-${n}`, image);
      const sample = { sentMs, ms: performance.now() - sentMs };
      if (this.#isDone(answer, { sample, image })) return;
      await delay(retryMs);
    }
  }

  #isDone(
    answer: ApiAnswer | undefined,
    { sample, image }: { readonly sample: Sample; readonly image: string },
  ): boolean {
    if (answer?.status === 201) {
      this.#samples.push(sample);
      const routed = this.#stage.rewritten(image);
      if (answer.body.spec.containers[0].image !== routed) this.#unrouted += 1;
      return true;
    }
    if (this.#isInRestart(sample)) {
      // 409: it was stored, and the answer was lost.
      return answer?.status === 409;
    }
    this.#refused.push(JSON.stringify(answer ?? 'no answer').slice(0, 300));
    return true;
  }

  async #create(name: string, image: string): Promise<ApiAnswer | undefined> {
    const { namespace, plane } = this.#stage;
    const body = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
      spec: { containers: [{ name: 'app', image }] },
    };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    return await plane.admin.call('POST', path, { body }).catch(() => undefined);
  }
}
