import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OperatorProcess } from '#test/support/operator/operator-process.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { reviewNamespace } from './admission-resources.ts';
import { type BenchStage, makeBenchTls, setBenchStage } from './admission-stage.ts';
import { sendReviews } from './load-client.ts';
import { drawOutages } from './outage-picture.ts';
import { type OutageRecord, readStates, tellTimeline } from './outage-record.ts';

const perSecond = 40;
const downAtMs = 5_000;
const upAtMs = 12_000;
/** Long enough for the background probe that finds out: its waits double. */
const endAtMs = 24_000;
/** What a registry on another continent takes for a HEAD. */
const answerMs = 20;
/** The client process has started by then, and the ways to both registries are open. */
const headStartMs = 7_000;
const warmUpReviews = 100;

const root = join(import.meta.dirname, '..', '..');
const picture = join(root, 'docs', 'images', 'outage.svg');

/** One way for a registry to be down. */
interface Scenario {
  readonly path: string;
  readonly title: string;
  readonly mode: 'refusing' | 'silent';
}

const scenarios: readonly Scenario[] = [
  { path: 'refused', title: 'The first registry refuses connections', mode: 'refusing' },
  { path: 'silent', title: 'The first registry accepts and never answers', mode: 'silent' },
];

/** Reviews at a steady rate while a registry goes down and comes back: as text, and drawn. */
export async function run(): Promise<void> {
  const tls = await makeBenchTls();
  const pairs: { scenario: Scenario; first: LightRegistry; second: LightRegistry }[] = [];
  for (const scenario of scenarios) {
    const first = await startLightRegistry(tls.certificate);
    const second = await startLightRegistry(tls.certificate);
    pairs.push({ scenario, first, second });
  }
  const registries = pairs.flatMap(({ first, second }) => [first, second]);
  for (const registry of registries) registry.setDelayMs(answerMs);
  const stage = await setBenchStage({
    tls,
    resources: pairs.map(({ scenario, first, second }) => equalSet(scenario, [first, second])),
    // Transitions of actors are logged at debug.
    flags: ['--log-level=debug'],
  });
  try {
    const records: OutageRecord[] = [];
    for (const { scenario, first } of pairs) {
      records.push(await record(stage, scenario, first));
    }
    for (const each of records) console.log(`\n${tellTimeline(each)}`);
    mkdirSync(dirname(picture), { recursive: true });
    writeFileSync(picture, drawOutages(records));
    console.log(`\nDrawn to ${relative(root, picture)}.`);
  } finally {
    await stage.close();
    for (const registry of registries) await registry.close();
  }
}

function equalSet({ path }: Scenario, registries: readonly LightRegistry[]): object {
  const upstreams = registries.map(({ host }) => ({
    registry: host,
    path: `/${path}`,
    imageFilter: { include: [`/${path}/.+`] },
  }));
  return clusterSet(path, { upstreams });
}

async function record(
  stage: BenchStage,
  { path, title, mode }: Scenario,
  registry: LightRegistry,
): Promise<OutageRecord> {
  const startAtMs = Date.now() + headStartMs;
  const until = async (ms: number): Promise<number> => {
    await delay(Math.max(0, startAtMs + ms - Date.now()));
    return Date.now();
  };
  const load = sendReviews({
    url: stage.operator.webhookUrl,
    authorityPem: stage.authorityPem,
    ...{ perSecond, startAtMs, connections: 256, slowMs: 900, trace: true },
    durationMs: endAtMs,
    warmUp: warmUpReviews,
    warmUpImage: `${registry.host}/${path}/warm-up:{n}`,
    images: [`${registry.host}/${path}/app:{n}`],
    namespace: reviewNamespace,
  });
  await until(downAtMs);
  await registry.setMode(mode);
  const wentDownMs = Date.now();
  await until(upAtMs);
  await registry.setMode('serving');
  const cameBackMs = Date.now();
  const { samples, startedAtMs, failed } = await load;
  if (failed > 0) throw new Error(`Expected every review to be answered, ${failed} were not.`);
  const since = (wallMs: number) => wallMs - startedAtMs;
  return {
    ...{ title, samples, perSecond, endAtMs },
    downAtMs: since(wentDownMs),
    upAtMs: since(cameBackMs),
    states: readStates(logOf(stage.operator), registry.host, { startedAtMs, endAtMs }),
  };
}

function logOf(operator: OperatorProcess): readonly string[] {
  return operator.logs().split('\n');
}
