/** What the API server keeps of one warning, in characters; the rest it cuts off. */
const warningCharactersMax = 256;
/** What it keeps of all warnings together: those beyond are dropped unread. */
const allCharactersMax = 4_096;

/** Warnings as the API server takes them: each one line, all within its bounds. */
export function boundWarnings(warnings: unknown): readonly string[] {
  if (!Array.isArray(warnings)) return [];
  const bounded: string[] = [];
  let left = allCharactersMax;
  // No more than that many can be left, since an empty one is none.
  for (const warning of warnings.slice(0, allCharactersMax)) {
    if (typeof warning !== 'string' || warning === '') continue;
    const text = cut(warning);
    if (text.length > left) break;
    bounded.push(text);
    left -= text.length;
  }
  return bounded;
}

/** A warning travels in a header field: control characters would end it. */
function cut(warning: string): string {
  const line = warning
    .slice(0, warningCharactersMax)
    .replace(/\p{Cc}+/gu, ' ')
    .toWellFormed();
  return warning.length > warningCharactersMax ? `${line.slice(0, -1)}…` : line;
}
