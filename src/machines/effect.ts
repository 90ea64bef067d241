import {
  type CallbackActorLogic,
  type EventObject,
  fromCallback,
  fromPromise,
  type PromiseActorLogic,
} from 'xstate';

/**
 * Names an effect in a machine's `setup({ actors })`: a promise that takes `TInput` and resolves to
 * `TOutput`. What it does is put in its place by `actors/` with `machine.provide`; run without that
 * it rejects, which is a bug. An effect resolves to every expected outcome and can be aborted.
 */
export function effect<TOutput, TInput>(name: string): PromiseActorLogic<TOutput, TInput> {
  return fromPromise<TOutput, TInput>(() => Promise.reject(unprovided(name)));
}

/** Names what goes on for as long as a machine is in a state, and may tell it: a callback actor. */
export function source<TInput = undefined>(name: string): CallbackActorLogic<EventObject, TInput> {
  return fromCallback<EventObject, TInput>(() => {
    throw unprovided(name);
  });
}

/** What a guard or an action is told where it is about what an effect came to. */
export function toOutput<T>({ event }: { readonly event: { readonly output: T } }): T {
  return event.output;
}

/** What it is told where it is about the event itself. */
export function toEvent<T>({ event }: { readonly event: T }): T {
  return event;
}

function unprovided(name: string): Error {
  return new Error(`The effect ${name} was run, but nothing was provided for it.`);
}
