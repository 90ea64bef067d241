import type { Condition } from '#api/condition.ts';

/** Reasons of the `Ready` condition, in the order of behaviour §6a: the first that holds is said. */
const reasonsBySeverity = [
  'InvalidSpec',
  'CredentialsMissing',
  'Collision',
  'CopyFailed',
  'RegistryUnreachable',
  'MatchesNothing',
  'Ready',
] as const;

/** Why a resource is, or is not, ready: it is with the last two. */
type ReadyReason = (typeof reasonsBySeverity)[number];

/** What is to be said of a resource (behaviour §6a); the condition adds generation and time. */
export interface ReadyState {
  readonly reason: ReadyReason;
  /** A sentence a person can act on. */
  readonly message: string;
}

/** A condition beside `Ready`, as a feature says it; generation and times are added. */
export type ExtraCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** A message is cut here: `metav1.Condition` allows 32,768 characters, a person reads far fewer. */
const conditionMessageCharactersMax = 1024;

/** Picks what is said of a resource from all that holds; nothing at all means `Ready`. */
export function worstState(states: readonly ReadyState[], ready: string): ReadyState {
  for (const reason of reasonsBySeverity) {
    const holding = states.filter((state) => state.reason === reason);
    if (holding.length > 0) {
      return { reason, message: holding.map(({ message }) => message).join('; ') };
    }
  }
  return { reason: 'Ready', message: ready };
}

/** `True` for a resource that works, be it on nothing; `False` for one that needs a person. */
function statusOf(reason: ReadyReason): 'True' | 'False' {
  return reason === 'Ready' || reason === 'MatchesNothing' ? 'True' : 'False';
}

/**
 * The conditions to write, or `undefined` when `previous` says the same already.
 * `lastTransitionTime` moves only with the status; conditions of which nothing is said are kept.
 */
export function nextConditions(
  state: ReadyState,
  previous: readonly Condition[] | undefined,
  at: ConditionMoment,
): readonly Condition[] | undefined {
  const ready = { ...state, type: 'Ready', status: statusOf(state.reason) };
  const said = [ready, ...(at.extra ?? [])];
  const next = said.map((condition) => nextCondition(condition, previous, at));
  if (next.every((condition) => previous?.includes(condition))) return undefined;
  const types = new Set(said.map(({ type }) => type));
  return [...next, ...(previous ?? []).filter(({ type }) => !types.has(type))];
}

/** When conditions are made, from which spec, and what else there is to say. */
export interface ConditionMoment {
  readonly generation: number;
  /** RFC 3339. */
  readonly now: string;
  readonly extra?: readonly ExtraCondition[];
}

/** The condition as it was where that says the same. */
function nextCondition(
  { type, status, reason, message: text }: ExtraCondition,
  previous: readonly Condition[] | undefined,
  at: ConditionMoment,
): Condition {
  const before = previous?.find((one) => one.type === type);
  const message = text.slice(0, conditionMessageCharactersMax).toWellFormed();
  const same =
    before !== undefined &&
    before.status === status &&
    before.reason === reason &&
    before.message === message &&
    before.observedGeneration === at.generation;
  if (same) return before;
  return {
    ...{ type, status, reason, message },
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : at.now,
    observedGeneration: at.generation,
  };
}
