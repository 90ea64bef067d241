/** What an effect rejected with: always a bug. */
export interface Thrown {
  readonly error: unknown;
}

/** Says what a rejected effect threw, for `context.bug`; the supervisor reports it. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? error.message : `something was thrown that is no error: ${error}`;
}
