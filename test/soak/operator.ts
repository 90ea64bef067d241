import { setTimeout as delay } from 'node:timers/promises';
import { removePod, startChurn } from './churn.ts';
import { type OperatorStage, type OperatorUse, setOperatorStage } from './operator-stage.ts';

const seed = 20_261_129;
const looksMin = 40;
const lookEveryMsMax = 15_000;
const apiRestartEveryMs = 100_000;
/** The bar: the mean of the last quarter beside that of the second. */
const heapGrowthMax = 0.05;
/** Half a minute after its last use a connection is closed, and an attempt is given up after 5 s. */
const quietMs = 60_000;
/** Kept for the next question: 4 a registry, 16 for calls, a watch each; two are opened anew meanwhile. */
const socketsMax = 4 * 4 + 16 + 12 + 2;
const megabyte = 1024 * 1024;

/** One operator through churn, outages and restarts of everything around it; true when all held. */
export async function run({ minutes }: { readonly minutes: number }): Promise<boolean> {
  const stage = await setOperatorStage(seed);
  try {
    const churn = startChurn(stage);
    const ending = new AbortController();
    const restarts = restartApiServer(stage, ending.signal);
    const seen: OperatorUse[] = [];
    const startedMs = performance.now();
    const everyMs = Math.min(lookEveryMsMax, (minutes * 60_000) / looksMin);
    while (performance.now() - startedMs < minutes * 60_000) {
      await delay(everyMs);
      const use = await stage.use();
      seen.push(use);
      const atS = Math.round((performance.now() - startedMs) / 1_000);
      console.log(`${atS} s: ${tell(use)} | ${churn.pods().length} Pods`);
    }
    ending.abort();
    const apiRestarts = await restarts;
    await churn.stop();
    stage.behave(true);
    for (const pod of churn.pods()) await removePod(stage, pod);
    await delay(quietMs);
    const last = await stage.use();
    console.log(`\n${JSON.stringify({ ...churn.counts, apiRestarts })}`);
    console.log(`at the end, quiet: ${tell(last)}`);
    return judge(stage, seen, last);
  } finally {
    await stage.close();
  }
}

async function restartApiServer(stage: OperatorStage, signal: AbortSignal): Promise<number> {
  let restarts = 0;
  for (;;) {
    await delay(apiRestartEveryMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return restarts;
    await stage.restartApiServer();
    restarts += 1;
  }
}

function tell({ heapBytes, rssBytes, sockets }: OperatorUse): string {
  const [heap, rss] = [heapBytes, rssBytes].map((bytes) => (bytes / megabyte).toFixed(1));
  return `heap ${heap} MB, RSS ${rss} MB, ${sockets} sockets`;
}

function judge(stage: OperatorStage, seen: readonly OperatorUse[], last: OperatorUse): boolean {
  const quarter = (index: number) =>
    seen.slice((seen.length * index) / 4, (seen.length * (index + 1)) / 4);
  const mean = (uses: readonly OperatorUse[]) =>
    uses.reduce((sum, { heapBytes }) => sum + heapBytes, 0) / uses.length;
  const [second, fourth] = [mean(quarter(1)), mean(quarter(3))];
  const growth = fourth / second - 1;
  const troubles = stage.troubles();
  const percent = `${(growth * 100).toFixed(1)} %`;
  const heaps = [second, fourth].map((bytes) => `${(bytes / megabyte).toFixed(1)} MB`);
  const bars: readonly (readonly [string, boolean])[] = [
    [
      `heap of the last quarter beside the second: ${heaps.join(' → ')}, ${percent}`,
      growth < heapGrowthMax,
    ],
    [
      `sockets when all is quiet: ${last.sockets}, at most ${socketsMax}`,
      last.sockets <= socketsMax,
    ],
    [`errors and crashes in the log: ${troubles.length}`, troubles.length === 0],
  ];
  for (const [what, held] of bars) console.log(`${held ? 'held' : 'BROKEN'}: ${what}`);
  for (const line of troubles.slice(0, 5)) console.log(`  ${line.slice(0, 400)}`);
  if (last.sockets > socketsMax) console.log(stage.sockets().toSorted().join('\n'));
  return bars.every(([, held]) => held);
}
