/**
 * The type of an event in words, to stand beside it: `xstate.after.retryDelay.leadership.Following`
 * is `retry delay over in Following`.
 */
export function eventName(type: string): string {
  for (const [pattern, words] of ownEvents) {
    const match = pattern.exec(type);
    if (match !== null) return words(match.slice(1));
  }
  return type.replaceAll('.', ' ');
}

/** Types that XState makes (its `eventUtils.ts`); what is done in a state is named after the state. */
const ownEvents: readonly (readonly [RegExp, (parts: readonly string[]) => string])[] = [
  [/^xstate\.init$/, () => 'started'],
  [/^xstate\.stop$/, () => 'stopped'],
  [/^xstate\.done\.actor\.\d+\.(.+)$/, ([state]) => `done in ${lastOf(state)}`],
  [/^xstate\.done\.actor\.(.+)$/, ([actor]) => `${spaced(actor)} done`],
  [/^xstate\.error\.actor\.\d+\.(.+)$/, ([state]) => `crashed in ${lastOf(state)}`],
  [/^xstate\.error\.actor\.(.+)$/, ([actor]) => `${spaced(actor)} crashed`],
  [/^xstate\.done\.state\.(.+)$/, ([state]) => `all of ${lastOf(state)} done`],
  [/^xstate\.after\.(\d+)\.(.+)$/, ([ms, state]) => `${ms} ms over in ${lastOf(state)}`],
  [
    /^xstate\.after\.([^.]+)\.(.+)$/,
    ([delay, state]) => `${spaced(delay)} over in ${lastOf(state)}`,
  ],
];

function lastOf(state = ''): string {
  return state.slice(state.lastIndexOf('.') + 1);
}

/** `retryDelay` as a person would write it; ids that hold a colon are names already. */
function spaced(name = ''): string {
  if (name.includes(':')) return name;
  return name.replaceAll(
    /([a-z])([A-Z])/g,
    (_, before, after) => `${before} ${after.toLowerCase()}`,
  );
}
