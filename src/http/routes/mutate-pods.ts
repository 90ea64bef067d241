import { hostname } from 'node:os';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type from 'typebox';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { AdmissionAnswer, RoutingQuery } from '#core/routing/admission.ts';
import { REACH_CHECK, reachedPrefix } from '#core/routing/annotations.ts';
import { reviewDeadlineMs } from '#http/admission-deadline.ts';
import { checkAdmissionPatch } from '#http/admission-patch.ts';
import {
  answerReview,
  answerSchema,
  type ReadReview,
  type ReviewAnswer,
  readReview,
} from '#http/admission-review.ts';
import { boundWarnings } from '#http/admission-warnings.ts';
import { askWithinDeadline } from '#http/within-deadline.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** When its first byte came, by the process's own clock in ms. */
    startedAtMs: number;
  }
}

/** What the webhook asks, and what it tells. */
export interface WebhookPorts {
  readonly admit: RoutingQuery['admit'];
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'admission' | 'webhookError'>;
}

/** How the webhook answers. */
export interface WebhookOptions {
  /** A whole review, in ms (`routing.deadline`); less where the API server says so. */
  readonly deadlineMs: number;
}

/** What the route is registered with. */
export type MutatePodsOptions = WebhookPorts & WebhookOptions;

const errorSchema = Type.Object({ error: Type.String() });

/** `POST /mutate--v1-pod`: one review in, one answer out, and the answer is yes. */
export async function mutatePods(app: FastifyInstance, options: MutatePodsOptions): Promise<void> {
  app.decorateRequest('startedAtMs', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    // Whatever the content type says, or whether there is one, it has to be JSON.
    request.headers['content-type'] = 'application/json';
    // The deadline counts from here: a large body takes time to arrive.
    request.startedAtMs = performance.now();
    done();
  });
  const schema = { response: { 200: answerSchema, '4xx': errorSchema } };
  app.post('/mutate--v1-pod', { schema }, (request, reply) => {
    const review = readReview(request.body);
    if (!review.ok) return void reply.code(400).send({ error: review.error });
    const told = (answer: ReviewAnswer): ReviewAnswer => {
      quietly(() => options.metrics.admission((performance.now() - request.startedAtMs) / 1_000));
      return answer;
    };
    const answer = answerSafely(review.value, reply, options);
    if (answer instanceof Promise) return answer.then(told);
    // Most answers are there at once, and leave in the turn in which their reviews came.
    return void reply.send(told(answer));
  });
}

/** A fault of our own on the way is no reason to keep a Pod out either. */
function answerSafely(
  review: ReadReview,
  reply: FastifyReply,
  options: MutatePodsOptions,
): MaybePromise<ReviewAnswer> {
  const admitted = (error: unknown) => pass(review, options, { kind: 'fault', error });
  try {
    const given = answer(review, reply, options);
    return given instanceof Promise ? given.catch(admitted) : given;
  } catch (error) {
    return admitted(error);
  }
}

function answer(
  review: ReadReview,
  reply: FastifyReply,
  options: MutatePodsOptions,
): MaybePromise<ReviewAnswer> {
  if (review.kind === 'pass') {
    const { problem } = review;
    return problem === undefined
      ? answerReview(review, {})
      : pass(review, options, { kind: 'malformed', error: problem });
  }
  const { request } = reply;
  const { timeout } = request.query as { readonly timeout?: unknown };
  const wholeMs = reviewDeadlineMs(timeout, options.deadlineMs);
  const waitedMs = performance.now() - request.startedAtMs;
  const deadlineMs = Math.max(0, wholeMs - waitedMs);
  const admission = { ...review.admission, deadlineMs };
  const asked = askWithinDeadline((cancellation) => options.admit(admission, cancellation), {
    deadlineMs,
    onGone: (leave) => onGone(reply, leave),
  });
  return andThen(asked, (outcome) => {
    if (outcome.kind === 'late') return pass(review, options, { kind: 'late', error: wholeMs });
    if (outcome.kind === 'failed') return pass(review, options, outcome);
    return finish(review, outcome.answer, options);
  });
}

/** Told when the API server gives up before we do. */
function onGone({ raw }: FastifyReply, leave: () => void): () => void {
  const closed = () => {
    // It closes after every answer, too: nobody is left to be told then.
    if (!raw.writableFinished) leave();
  };
  raw.once('close', closed);
  return () => raw.removeListener('close', closed);
}

/** The port's answer, of which nothing is believed before it was checked. */
function finish(
  review: Extract<ReadReview, { kind: 'route' }>,
  given: AdmissionAnswer,
  options: MutatePodsOptions,
): ReviewAnswer {
  const patch = checkAdmissionPatch(review.admission, given.patch);
  if (!patch.ok) return pass(review, options, { kind: 'patch', error: patch.error });
  const reached = reachWarnings(review.admission);
  // What the port gives may be anything until it is bounded.
  const warnings =
    reached.length === 0 ? given.warnings : [...reached, ...boundWarnings(given.warnings)];
  return answerReview(review, { patch: patch.value, warnings });
}

/** Who asks by a dry run whether reviews get here is told so, and by whom. */
function reachWarnings({ dryRun, pod }: PodAdmission): readonly string[] {
  if (!dryRun || pod.metadata?.annotations?.[REACH_CHECK] === undefined) return [];
  return [`${reachedPrefix}${hostname()}`];
}

interface Failure {
  readonly kind: 'malformed' | 'late' | 'failed' | 'patch' | 'fault';
  readonly error: unknown;
}

/** For whoever created the Pod; what exactly happened is for the log. */
const causes: Readonly<Record<Failure['kind'], string>> = {
  malformed: 'this review could not be read',
  late: 'no decision was reached in time',
  failed: 'an internal error occurred',
  patch: 'its patch was dropped',
  fault: 'an internal error occurred',
};

/** Only what was wrong with a patch is the Pod's own affair: its annotations may have no room. */
function warningOf({ kind, error }: Failure): string {
  const why = kind === 'patch' ? `: ${String(error)}` : '';
  return `kuik: ${causes[kind]}${why}; the Pod is admitted unchanged.`;
}

/** Lets the Pod in as it came, and says why to the log, the metrics and the user. */
function pass(
  review: Pick<ReadReview, 'uid' | 'apiVersion'>,
  { log, metrics }: MutatePodsOptions,
  failure: Failure,
): ReviewAnswer {
  const { kind, error } = failure;
  quietly(() => {
    metrics.webhookError(kind);
    const fields = error instanceof Error ? { err: error } : { detail: String(error) };
    log[kind === 'late' || kind === 'malformed' ? 'warn' : 'error'](
      { review: review.uid, kind, ...fields },
      'A Pod was admitted unchanged because its review failed.',
    );
  });
  return answerReview(review, { warnings: [warningOf(failure)] });
}

/** The answer is worth more than what is told about it: an error that cannot be shown costs none. */
function quietly(tell: () => void): void {
  try {
    tell();
  } catch {
    // There is no one left to tell.
  }
}
