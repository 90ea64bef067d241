/** What one look came to, in a sentence that a person can act on. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly message: string;
}

/** It is as it should be. */
export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });
/** Somebody should look at it. */
export const warning = (check: string, message: string): Finding => ({
  check,
  state: 'warning',
  message,
});
/** It does not work. */
export const failed = (check: string, message: string): Finding => ({
  check,
  state: 'failed',
  message,
});
