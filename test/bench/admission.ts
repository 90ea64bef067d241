import { loadavg } from 'node:os';
import {
  benchResources,
  deadImages,
  fourPlacesImage,
  healthyImages,
  reviewNamespace,
  undeclaredImage,
} from './admission-resources.ts';
import {
  type AdmissionRegistries,
  deadPlaces,
  makeBenchTls,
  setBenchStage,
  startAdmissionRegistries,
} from './admission-stage.ts';
import { canPin, coreCount } from './cores.ts';
import { startBareWebhook } from './load-client.ts';
import {
  type Bar,
  type Figures,
  type Line,
  type Measured,
  measure,
  pacedCells,
  pacedColumns,
  saturatedCells,
  saturatedColumns,
} from './measure.ts';
import { table } from './table.ts';

/** How long is measured. */
export interface AdmissionOptions {
  readonly quick: boolean;
}

/** Reviews a second at a steady pace: a cluster of thousands of nodes that is being upgraded. */
const pacePerSecond = 200;
/** Odd; the machine's own stalls, of 50 ms and more, then fall into few rounds of each line. */
const rounds = 3;
/** Above any answer of a registry that lives, below `routing.activeCheck.timeout`. */
const slowMs = 900;
/** Of a client that is as fast as the answers: enough to keep one core busy. */
const saturatingConnections = 16;
/** At a steady pace a review never waits for another: API servers have as many as they need. */
const pacedConnections = 64;
/** Each client process is new: its first reviews do not count. */
const clientWarmUp = 16;
const delaysMs = [0, 20] as const;

/** Admission over TLS: what it costs while all is well, and when a registry is down. */
export async function run({ quick }: AdmissionOptions): Promise<void> {
  const tls = await makeBenchTls();
  const registries = await startAdmissionRegistries(tls);
  const resources = benchResources(registries.hosts);
  const stage = await setBenchStage({ tls, resources });
  const bare = await startBareWebhook(tls.certificate);
  const { webhookUrl: url, pid } = stage.operator;
  const bench: Bench = {
    operator: { url, pid, authorityPem: stage.authorityPem, registries },
    bare: { ...bare, authorityPem: tls.certificate.authorityPem, registries },
    registries,
    durationMs: quick ? 1_000 : 2_500,
  };
  try {
    console.log(
      `${resources.length} resources, ${registries.hosts.live.length} registries that answer, ` +
        `${registries.hosts.dead.length} that do not; ${pacePerSecond} reviews a second` +
        `${canPin ? ', the operator on a core of its own' : ', NOT on cores of their own'}.\n` +
        `Load of the machine before: ${loadavg()[0]?.toFixed(1)} on ${coreCount} cores; ` +
        'above a half each figure is also about what else runs.\n' +
        '"beside" is the figure before it beside that of the line marked "=". What is compared is\n' +
        `measured ${rounds} times by turns; of each the round with the middle p99 is shown.`,
    );
    await warmUp(bench);
    await nothingDeclared(bench);
    for (const [which, delayMs] of delaysMs.entries()) {
      for (const registry of registries.live) registry.setDelayMs(delayMs);
      await withRegistries(bench, { which, delayMs });
    }
    for (const registry of registries.live) registry.setDelayMs(0);
    await saturation(bench);
  } finally {
    await bare.stop();
    await stage.close();
    await registries.close();
  }
}

interface Bench {
  readonly operator: Measured;
  readonly bare: Measured;
  readonly registries: AdmissionRegistries;
  readonly durationMs: number;
}

/** Reviews before anything counts: compiled code and open connections are what a day is made of. */
const warmUpReviews = 3_000;

async function warmUp(bench: Bench): Promise<void> {
  for (const webhook of [bench.bare, bench.operator]) {
    await paced(webhook, bench, { images: declaredNothing(bench), warmUp: warmUpReviews });
  }
  // The ways to a registry, too.
  const { hosts } = bench.registries;
  await paced(bench.operator, bench, { images: healthyImages(hosts, 'warm-{n}') });
}

function declaredNothing({ registries }: Bench): readonly string[] {
  return [undeclaredImage(registries.hosts, '1')];
}

interface Load {
  readonly images: readonly string[];
  readonly warmUp?: number;
  /** One review alone; else as many as the pace and the duration say. */
  readonly alone?: boolean;
  readonly saturate?: boolean;
}

async function paced(webhook: Measured, bench: Bench, load: Load): Promise<Figures> {
  const { images, warmUp: warm = clientWarmUp, alone = false, saturate = false } = load;
  return await measure(webhook, {
    ...{ images, slowMs },
    connections: saturate ? saturatingConnections : pacedConnections,
    warmUp: warm,
    // At a steady pace what is measured must be met for the first time.
    warmUpImage: saturate ? (images[0] ?? '') : undeclaredImage(bench.registries.hosts, '1'),
    perSecond: saturate ? 0 : alone ? 1 : pacePerSecond,
    durationMs: alone ? 1_000 : bench.durationMs,
    namespace: reviewNamespace,
  });
}

/** Measures by turns, so that whatever the machine does meanwhile is done to all of them. */
async function byTurns<const Runs extends readonly Run[]>(
  ...runs: Runs
): Promise<{ readonly [Index in keyof Runs]: Figures }> {
  const all = runs.map((): Figures[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, run] of runs.entries()) all[index]?.push(await run(round));
  }
  return all.map(middleOf) as { readonly [Index in keyof Runs]: Figures };
}

/** One round of one line. */
type Run = (round: number) => Promise<Figures>;

/** The round with the middle p99; what must not happen at all is counted over all rounds. */
function middleOf(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((left, right) => left.p99Ms - right.p99Ms);
  const middle = sorted[(sorted.length - 1) / 2];
  if (middle === undefined) throw new Error('Expected an odd number of rounds.');
  const sum = (key: 'failed' | 'slow') => figures.reduce((total, one) => total + one[key], 0);
  const least = Math.min(...figures.map(({ sent, patched }) => patched - sent));
  return { ...middle, failed: sum('failed'), slow: sum('slow'), patched: middle.sent + least };
}

async function nothingDeclared(bench: Bench): Promise<void> {
  const { hosts } = bench.registries;
  const [bare, same, fresh] = await byTurns(
    () => paced(bench.bare, bench, { images: declaredNothing(bench) }),
    () => paced(bench.operator, bench, { images: declaredNothing(bench) }),
    (round) =>
      paced(bench.operator, bench, { images: [undeclaredImage(hosts, `new-${round}-{n}`)] }),
  );
  const bar = ({ p99Ms, requests }: Figures) => ({
    text: 'p99 below 3 ms, no request',
    met: p99Ms < 3 && requests === 0,
    baselineMet: bare.p99Ms < 3,
  });
  print('a. Nothing declared for the image', [
    { what: 'a webhook that only parses and agrees', figures: bare },
    { what: 'the same image', figures: same, baseline: bare, bar: bar(same) },
    { what: 'a new image each time', figures: fresh, baseline: bare, bar: bar(fresh) },
  ]);
}

interface Surroundings {
  /** First or second: each meets dead hosts that nobody has asked yet. */
  readonly which: number;
  readonly delayMs: number;
}

async function withRegistries(bench: Bench, { which, delayMs }: Surroundings): Promise<void> {
  const { hosts } = bench.registries;
  const added = `${delayMs} ms added at every registry`;
  const [idle, fresh, same] = await byTurns(
    () => paced(bench.operator, bench, { images: declaredNothing(bench) }),
    (round) => healthy(bench, `fresh-${which}-${round}-{n}`),
    () => healthy(bench, `same-${which}`),
  );
  print(`b. The original first and healthy; ${added}`, [
    { what: 'nothing declared, for comparison', figures: idle },
    { what: 'a new image each time', figures: fresh, baseline: idle },
    { what: 'the same images', figures: same, baseline: idle },
  ]);
  const lines: Line[] = [];
  for (const [kind, place] of Object.entries(deadPlaces)) {
    lines.push(...(await whenDown(bench, { kind, host: hosts.dead[place + which] ?? '' })));
  }
  print(`c, d. The original's registry down, a new image each time; ${added}`, lines);
}

async function healthy(bench: Bench, tag: string): Promise<Figures> {
  return await paced(bench.operator, bench, { images: healthyImages(bench.registries.hosts, tag) });
}

interface Outage {
  readonly kind: string;
  readonly host: string;
}

const namesOfKinds: Readonly<Record<string, string>> = {
  refusing: 'refused',
  silent: 'accepted, then silence',
  full: 'full backlog',
};

async function whenDown(bench: Bench, { kind, host }: Outage): Promise<readonly Line[]> {
  const name = namesOfKinds[kind] ?? kind;
  const first = await paced(bench.operator, bench, {
    images: deadImages(host, 'first').slice(0, 1),
    alone: true,
  });
  const [fresh, steady] = await byTurns(
    (round) => healthy(bench, `beside-${host.replace(':', '-')}-${round}-{n}`),
    (round) => paced(bench.operator, bench, { images: deadImages(host, `steady-${round}-{n}`) }),
  );
  const paid = first.slow + steady.slow;
  const due = kind === 'refusing' ? 0 : 1;
  const bar = {
    text: `p99 within 2x of healthy, ${due} timeouts paid in all (${paid} were)`,
    met: steady.p99Ms <= 2 * fresh.p99Ms && paid === due && steady.patched === steady.sent,
  };
  return [
    { what: `healthy, beside ${name}`, figures: fresh },
    { what: `${name}: the first review`, figures: first, baseline: fresh },
    { what: `${name}: from then on`, figures: steady, baseline: fresh, bar },
  ];
}

/** Reviews before saturation counts: the code of this very answer compiled, its memory filled. */
const saturationWarmUp = 1_000;
/**
 * What the bare webhook does on a core of its own on the machine for which the bars were set, at 80
 * us of CPU a review. Where it does less than a bar asks for, the bar is a share of what it does.
 */
const bareElsewherePerSecond = 12_400;

async function saturation(bench: Bench): Promise<void> {
  const { hosts } = bench.registries;
  const load = (webhook: Measured, image: string) => () =>
    paced(webhook, bench, { images: [image], saturate: true, warmUp: saturationWarmUp });
  const [bare, nothing, four] = await byTurns(
    load(bench.bare, undeclaredImage(hosts, '1')),
    load(bench.operator, undeclaredImage(hosts, '1')),
    load(bench.operator, fourPlacesImage(hosts, '1')),
  );
  const bar = (figures: Figures, least: number): Bar => {
    const share = least / bareElsewherePerSecond;
    const text = `${least} reviews a second on one core`;
    const met = figures.perSecond >= least;
    if (met || bare.perSecond >= least) return { text, met };
    const as = `${text}; the bare webhook misses it here, so as a share of that: ${share.toFixed(2)}x a CPU second`;
    return { text: as, met: bare.cpuUs / figures.cpuUs >= share };
  };
  const lines: readonly Line[] = [
    { what: 'a webhook that only parses and agrees', figures: bare },
    { what: 'nothing declared', figures: nothing, baseline: bare, bar: bar(nothing, 5_000) },
    {
      what: 'four candidates, answered from memory',
      figures: four,
      baseline: bare,
      bar: bar(four, 1_500),
    },
  ];
  console.log(`\ne. What one core can do\n${table(saturatedColumns, lines.map(saturatedCells))}`);
}

function print(title: string, lines: readonly Line[]): void {
  console.log(`\n${title}\n${table(pacedColumns, lines.map(pacedCells))}`);
}
