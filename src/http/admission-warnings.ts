/** What the API server takes of all warnings of a request together, in characters. */
const allCharactersMax = 4_096;
/** Where there is more, it cuts each of them to this, and drops those that are beyond. */
const warningCharactersMax = 256;

/**
 * Warnings as the API server takes them, each one line: whole where all of them have room, since one
 * names every image that was tried and why each failed; else each cut to its share.
 */
export function boundWarnings(warnings: unknown): string[] {
  if (!Array.isArray(warnings)) return [];
  // No more than that many can be taken, since an empty one is none.
  const texts = warnings
    .slice(0, allCharactersMax)
    .filter((warning): warning is string => typeof warning === 'string' && warning !== '')
    .slice(0, allCharactersMax / warningCharactersMax);
  const share = Math.max(warningCharactersMax, Math.floor(allCharactersMax / texts.length));
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return texts.map((text) => cut(text, length <= allCharactersMax ? allCharactersMax : share));
}

/** A warning travels in a header field: control characters would end it. */
function cut(warning: string, charactersMax: number): string {
  const line = warning
    .slice(0, charactersMax)
    .replace(/\p{Cc}+/gu, ' ')
    .toWellFormed();
  return warning.length > charactersMax ? `${line.slice(0, -1)}…` : line;
}
