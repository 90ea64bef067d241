/** The last moment that four digits of a year can say. */
const wallMsMax = 253_402_300_799_999;
/** Stricter than `Date.parse`, which reads other spellings too, and 24 as an hour. */
const shape = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/** A wall time in ms as statuses write it: RFC 3339 in UTC with whole seconds, rounded down. */
export function formatTime(wallMs: number): string {
  const bounded = Math.min(Math.max(wallMs, 0), wallMsMax);
  return `${new Date(bounded).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}Z`;
}

/** The wall time in ms that an RFC 3339 text says, in any zone; undefined where it is none. */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== 'string' || !shape.test(text)) return undefined;
  const wallMs = Date.parse(text.toUpperCase());
  return Number.isNaN(wallMs) ? undefined : wallMs;
}
