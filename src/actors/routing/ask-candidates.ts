import type { ProbeAnswer, ProbeReport, Registries } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { ProbeStatus } from '#core/probe.ts';
import { assert } from '#core/result.ts';
import type { CandidateAnswer } from '#core/routing/decide.ts';

/** The candidates of one image while they are being asked; nothing is sent before `available`. */
export class CandidateInquiry {
  readonly #options: AskCandidatesOptions;
  readonly #questions: readonly CandidateQuestion[];
  readonly #answers: CandidateAnswer[];
  readonly #stop = new AbortController();
  /** Aborts with the caller, at the deadline, and when nobody listens any more. */
  readonly #signal: AbortSignal;
  #startedMs = 0;

  constructor(
    options: AskCandidatesOptions,
    questions: readonly CandidateQuestion[],
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#questions = questions;
    this.#answers = questions.map(() => notAsked);
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  get #withinMs(): number {
    const { timeoutMs, withinMs = timeoutMs } = this.#options;
    return Math.round(Math.min(timeoutMs, withinMs));
  }

  /** What each candidate answered by now; `NotAsked` where nobody waits for it. */
  readonly answers = (): readonly CandidateAnswer[] => [...this.#answers];

  /**
   * Positions of the available candidates in their order, each as soon as all before it have
   * answered; those set aside come last. Whoever stops listening waits for nobody else.
   */
  async *available(): AsyncGenerator<number, void, undefined> {
    const { clock } = this.#options.runtime;
    this.#startedMs = clock.now();
    const cancel = clock.after(this.#withinMs, () => this.#stop.abort(late));
    try {
      yield* this.#first();
      yield* this.#setAside();
    } finally {
      cancel();
      this.#stop.abort(over);
    }
  }

  /** All at once, but none behind a trusted one, which wins without being asked. */
  async *#first(): AsyncGenerator<number, void, undefined> {
    for (let start = 0; start < this.#questions.length; ) {
      const first = this.#questions.findIndex(
        (question, index) => index >= start && unaskedAnswer(this.#options, question) !== undefined,
      );
      const end = first < 0 ? this.#questions.length : first;
      yield* this.#inOrder(range(start, end), false);
      const question = this.#questions[first];
      if (question !== undefined) {
        this.#answers[first] = unaskedAnswer(this.#options, question) ?? trusted;
        yield first;
      }
      start = end + 1;
    }
  }

  /** Nothing else is available, so what is down or suspected may have come back. */
  async *#setAside(): AsyncGenerator<number, void, undefined> {
    const aside = range(0, this.#answers.length).filter(
      (index) => this.#answers[index]?.status === 'SetAside',
    );
    if (aside.length > 0 && !this.#signal.aborted) yield* this.#inOrder(aside, true);
  }

  async *#inOrder(
    indexes: readonly number[],
    insist: boolean,
  ): AsyncGenerator<number, void, undefined> {
    const asked = indexes.map((index) => ({ index, done: this.#ask(index, insist) }));
    // Whoever stops listening must not leave rejections (bugs) that nobody hears of.
    const failed = Promise.all(asked.map(({ done }) => done));
    failed.catch(() => undefined);
    for (const { index, done } of asked) {
      await done;
      if (this.#answers[index]?.status === 'Available') yield index;
    }
  }

  async #ask(index: number, insist: boolean): Promise<void> {
    const question = this.#questions[index];
    if (question === undefined) return;
    const { registries, runtime, timeoutMs, isQuiet = false } = this.#options;
    const leftMs = Math.max(1, timeoutMs - (runtime.clock.now() - this.#startedMs));
    const { resolveDigest, share } = this.#options;
    const { reference, credentials } = question;
    const probe = {
      ...{ reference, credentials, resolveDigest, method: 'HEAD' as const, timeoutMs: leftMs },
      ...(share !== undefined && { share }),
    };
    const report = await registries.probe(probe, this.#signal, { insist, isQuiet });
    this.#answers[index] = this.#read(report, question);
  }

  #read(report: ProbeReport, question: CandidateQuestion): CandidateAnswer {
    const sinceMs = Math.round(this.#options.runtime.clock.now() - this.#startedMs);
    if (report.kind === 'SetAside') return { status: 'SetAside', ms: 0, message: report.message };
    if (report.kind === 'Abandoned') {
      if (this.#stop.signal.reason !== late) return notAsked;
      const { registry } = question.reference;
      const message = `${registry}: no answer within ${this.#withinMs} ms`;
      return { status: 'Unreachable', ms: sinceMs, message };
    }
    return readAnswer(report, question, sinceMs);
  }
}

/** One candidate as its registry is asked about it. */
export interface CandidateQuestion {
  readonly reference: ImageReference;
  /** In the order to try; none means anonymous. */
  readonly credentials: readonly Credential[];
  /** Whether it is the image that the user wrote. */
  readonly original?: boolean;
}

/** How candidates are asked. */
export interface AskCandidatesOptions {
  readonly registries: Pick<Registries, 'probe' | 'recall' | 'isTrusted'>;
  readonly runtime: Pick<Runtime, 'clock'>;
  /** For all of it, set-aside candidates included (`routing.activeCheck.timeout`). */
  readonly timeoutMs: number;
  /**
   * What the review has left for it, where that is less. A probe goes on to its own timeout all the
   * same: a registry that was not given its time must not become a suspect.
   */
  readonly withinMs?: number;
  readonly resolveDigest: boolean;
  /** On a dry run: no status may come of what is found out (behaviour §3.12). */
  readonly isQuiet?: boolean;
  /** Whether only kubelets can pull an image: as an original it is taken unasked. */
  readonly isNodeOnly?: (reference: ImageReference) => boolean;
  /** Whose the images are: the names of registries are looked up by namespace, fairly. */
  readonly share?: string;
}

/** What is none of these would end up in annotations and metrics, as nobody knows what. */
const statuses: ReadonlySet<string> = new Set<ProbeStatus>([
  'Available',
  'NotFound',
  'InvalidAuth',
  'QuotaExceeded',
  'Unreachable',
]);

/** For all inquiries: an error with its stack for each would cost more than the asking. */
const over = new Error('nobody waits for this inquiry any more');
const late = new Error('the time for this inquiry is over');
const notAsked: CandidateAnswer = { status: 'NotAsked', ms: 0 };
const trusted: CandidateAnswer = { status: 'Trusted', ms: 0 };
const nodeOnly: CandidateAnswer = {
  ...trusted,
  message: 'only kubelets can pull it, so it counts as available (monitoring.nodeOnly)',
};

/**
 * What is known of one candidate without waiting: that its registry is trusted, or what that said a
 * moment ago. Undefined where it has to be asked.
 */
export function recallCandidate(
  options: Pick<AskCandidatesOptions, 'registries' | 'resolveDigest' | 'isNodeOnly'>,
  question: CandidateQuestion,
): CandidateAnswer | undefined {
  const unasked = unaskedAnswer(options, question);
  if (unasked !== undefined) return unasked;
  const { registries, resolveDigest } = options;
  const { reference, credentials } = question;
  const report = registries.recall({ reference, credentials, resolveDigest, method: 'HEAD' });
  return report === undefined ? undefined : readAnswer(report, question, 0);
}

/** What counts as available without a probe: its registry is trusted, or only nodes can tell. */
function unaskedAnswer(
  { registries, isNodeOnly }: Pick<AskCandidatesOptions, 'registries' | 'isNodeOnly'>,
  { reference, original }: CandidateQuestion,
): CandidateAnswer | undefined {
  if (registries.isTrusted(reference.registry)) return trusted;
  return original === true && isNodeOnly?.(reference) === true ? nodeOnly : undefined;
}

function readAnswer(
  { outcome, credentialIndex, remembered }: ProbeAnswer,
  { credentials }: CandidateQuestion,
  sinceMs: number,
): CandidateAnswer {
  assert(statuses.has(outcome.kind), `expected the status of a probe, got ${outcome.kind}`);
  const credential = credentials[credentialIndex ?? -1];
  return {
    status: outcome.kind,
    ms: remembered ? 0 : sinceMs,
    ...('message' in outcome && { message: outcome.message }),
    ...(outcome.kind === 'Available' && credential !== undefined && { credential }),
  };
}

function range(start: number, end: number): readonly number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index);
}
