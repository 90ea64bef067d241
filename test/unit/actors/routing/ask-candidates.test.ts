import { describe, expect, test } from 'vitest';
import type { ProbeReport } from '#actors/registries/registries.ts';
import { CandidateInquiry } from '#actors/routing/ask-candidates.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import type { CandidateAnswer } from '#core/routing/decide.ts';
import { forever, settled } from '#test/support/registries/registries-stage.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

/** What the registry of one candidate does, by its host; `insisted` when it was set aside. */
interface Behaviour {
  readonly outcome: ProbeOutcome['kind'];
  /** Never answers without. */
  readonly afterMs?: number;
  /** Set aside until somebody insists. */
  readonly aside?: boolean;
  readonly trusted?: boolean;
  /** Only kubelets can pull it. */
  readonly nodeOnly?: boolean;
  readonly original?: boolean;
}

/** An inquiry into candidates whose registries behave as told, on simulated time. */
function inquire(behaviours: readonly Behaviour[], signal = forever, withinMs = 1_000) {
  const clock = createSimulatedTimerHeap();
  const asked: string[] = [];
  const given: string[] = [];
  const behaviourOf = (host: string): Behaviour => behaviours[Number(host.slice(1))]!;
  const registries = {
    isTrusted: (host: string) => behaviourOf(host).trusted === true,
    probe: (
      {
        reference: { registry },
        timeoutMs,
      }: { reference: { registry: string }; timeoutMs: number },
      caller: AbortSignal,
      options: { insist?: boolean } = {},
    ): Promise<ProbeReport> => {
      const { outcome, afterMs, aside } = behaviourOf(registry);
      if (aside === true && options.insist !== true) {
        return Promise.resolve({ kind: 'SetAside', message: 'down' });
      }
      asked.push(`${registry} ${timeoutMs}`);
      return new Promise((resolve) => {
        caller.addEventListener('abort', () => {
          given.push(registry);
          resolve({ kind: 'Abandoned' });
        });
        if (afterMs === undefined) return;
        clock.after(afterMs, () =>
          resolve({
            kind: 'Answered',
            outcome: { kind: outcome, message: outcome, cause: 'answer' } as ProbeOutcome,
            ms: afterMs,
            remembered: false,
          }),
        );
      });
    },
    recall: () => undefined,
  };
  const questions = behaviours.map(({ original = false }, index) => ({
    ...{ reference: { registry: `r${index}`, path: 'app' }, original },
    credentials: [],
  }));
  const options = {
    ...{ registries, runtime: { clock } },
    ...{ timeoutMs: 1_000, withinMs, resolveDigest: false },
    isNodeOnly: ({ registry }: ImageReference) => behaviourOf(registry).nodeOnly === true,
  };
  return { inquiry: new CandidateInquiry(options, questions, signal), clock, asked, given };
}

type Inquired = ReturnType<typeof inquire>;

/** The first available candidate and the simulated time at which it was known. */
async function firstOf({ inquiry, clock }: Inquired): Promise<[number | undefined, number]> {
  let winner: number | undefined | null = null;
  const listening = (async () => {
    for await (const index of inquiry.available()) {
      winner = index;
      return;
    }
    winner = undefined;
  })();
  await settled();
  while (winner === null && clock.now() < 10_000) {
    clock.advance(50);
    await settled();
  }
  const knownMs = clock.now();
  await listening;
  return [winner ?? undefined, knownMs];
}

const statuses = ({ inquiry }: Inquired) => inquiry.answers().map(({ status }) => status);

describe('asking the candidates of one image', () => {
  test('all are asked at once, with the whole time each', async () => {
    const inquired = inquire([
      { outcome: 'NotFound', afterMs: 100 },
      { outcome: 'Available', afterMs: 100 },
    ]);
    expect(await firstOf(inquired)).toEqual([1, 100]);
    expect(inquired.asked).toEqual(['r0 1000', 'r1 1000']);
  });

  test('the first in order wins although a later one was faster', async () => {
    const inquired = inquire([
      { outcome: 'Available', afterMs: 800 },
      { outcome: 'Available', afterMs: 50 },
    ]);
    expect(await firstOf(inquired)).toEqual([0, 800]);
    expect(statuses(inquired)).toEqual(['Available', 'Available']);
  });

  test('nobody waits for one behind the winner', async () => {
    const inquired = inquire([{ outcome: 'Available', afterMs: 50 }, { outcome: 'Available' }]);
    expect(await firstOf(inquired)).toEqual([0, 50]);
    expect(inquired.given).toContain('r1');
    expect(statuses(inquired)).toEqual(['Available', 'NotAsked']);
  });

  test('two that hang cost one timeout, not two', async () => {
    const inquired = inquire([
      { outcome: 'Available' },
      { outcome: 'Available' },
      { outcome: 'Available', afterMs: 50 },
    ]);
    expect(await firstOf(inquired)).toEqual([2, 1_000]);
    expect(inquired.inquiry.answers()[0]).toEqual({
      status: 'Unreachable',
      ms: 1_000,
      message: 'r0: no answer within 1000 ms',
    } satisfies CandidateAnswer);
  });

  test('what the review has left ends the waiting, and a probe has its whole time all the same', async () => {
    const inquired = inquire(
      [{ outcome: 'Available' }, { outcome: 'Available', afterMs: 50 }],
      forever,
      400,
    );
    expect(await firstOf(inquired)).toEqual([1, 400]);
    expect(inquired.asked).toEqual(['r0 1000', 'r1 1000']);
    expect(inquired.inquiry.answers()[0]?.message).toBe('r0: no answer within 400 ms');
  });

  test('one that is set aside is passed over at once', async () => {
    const inquired = inquire([
      { outcome: 'Available', aside: true },
      { outcome: 'Available', afterMs: 50 },
    ]);
    expect(await firstOf(inquired)).toEqual([1, 50]);
    expect(inquired.asked).toEqual(['r1 1000']);
    expect(statuses(inquired)).toEqual(['SetAside', 'Available']);
  });

  test('those set aside are tried when nothing else is available, with the time that is left', async () => {
    const inquired = inquire([
      { outcome: 'NotFound', aside: true, afterMs: 50 },
      { outcome: 'NotFound', afterMs: 400 },
      { outcome: 'Available', aside: true, afterMs: 100 },
    ]);
    expect(await firstOf(inquired)).toEqual([2, 500]);
    expect(inquired.asked).toEqual(['r1 1000', 'r0 600', 'r2 600']);
    expect(statuses(inquired)).toEqual(['NotFound', 'NotFound', 'Available']);
  });

  test('there is no second try once the time is over', async () => {
    const inquired = inquire([{ outcome: 'Available', aside: true }, { outcome: 'Available' }]);
    expect(await firstOf(inquired)).toEqual([undefined, 1_000]);
    expect(statuses(inquired)).toEqual(['SetAside', 'Unreachable']);
  });

  test('a trusted one wins without a request, and none behind it is asked', async () => {
    const inquired = inquire([
      { outcome: 'NotFound', afterMs: 50 },
      { outcome: 'NotFound', trusted: true },
      { outcome: 'Available', afterMs: 50 },
    ]);
    expect(await firstOf(inquired)).toEqual([1, 50]);
    expect(inquired.asked).toEqual(['r0 1000']);
    expect(statuses(inquired)).toEqual(['NotFound', 'Trusted', 'NotAsked']);
  });

  test('an original that only kubelets can pull is taken unasked; in its place another is asked', async () => {
    const original = inquire([
      { outcome: 'NotFound', afterMs: 50 },
      { outcome: 'NotFound', nodeOnly: true, original: true },
    ]);
    expect(await firstOf(original)).toEqual([1, 50]);
    expect(original.asked).toEqual(['r0 1000']);
    expect(original.inquiry.answers()[1]).toEqual({
      ...{ status: 'Trusted', ms: 0 },
      message: expect.stringContaining('monitoring.nodeOnly'),
    });
    const alternative = inquire([{ outcome: 'NotFound', afterMs: 50, nodeOnly: true }]);
    expect(await firstOf(alternative)).toEqual([undefined, 50]);
    expect(alternative.asked).toEqual(['r0 1000']);
  });

  test('whoever does not want the first goes on to the next, behind a trusted one too', async () => {
    const { inquiry, clock } = inquire([
      { outcome: 'Available', trusted: true },
      { outcome: 'Available', afterMs: 50 },
      { outcome: 'Available', aside: true, afterMs: 50 },
    ]);
    const all: number[] = [];
    const listening = (async () => {
      for await (const index of inquiry.available()) all.push(index);
    })();
    for (let step = 0; step < 4; step++) {
      await settled();
      clock.advance(50);
    }
    await listening;
    expect(all).toEqual([0, 1, 2]);
  });

  test('the caller that gives up gets its answer at once, and no timer stays', async () => {
    const caller = new AbortController();
    const inquired = inquire([{ outcome: 'Available' }], caller.signal);
    const first = inquired.inquiry.available().next();
    await settled();
    caller.abort();
    expect(await first).toEqual({ done: true, value: undefined });
    expect(statuses(inquired)).toEqual(['NotAsked']);
    expect(inquired.clock.size).toBe(0);
  });
});
