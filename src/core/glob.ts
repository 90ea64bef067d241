/** One character of a glob: `*` for any number of any, else a test of a single one. */
type GlobPart = '*' | ((character: string) => boolean);

/**
 * Whether the glob matches the whole text, as Go's `path.Match` does for texts without slashes:
 * `*`, and classes such as `[a-z]` or `[^0-9]`. A malformed glob matches nothing. Its time is at most
 * the product of both lengths, whatever the glob: only the last star is ever taken back.
 */
export function globMatches(glob: string, text: string): boolean {
  if (!/[*[]/.test(glob)) return glob === text;
  const parts = readGlob(glob.replaceAll(/\*+/g, '*'));
  // Each part but a star takes one character: a longer glob matches nothing, and is not tried.
  const least = parts?.filter((part) => part !== '*').length ?? Number.POSITIVE_INFINITY;
  return parts !== undefined && least <= text.length && partsMatch(parts, text);
}

function partsMatch(parts: readonly GlobPart[], text: string): boolean {
  let part = 0;
  let position = 0;
  let retry: { readonly part: number; readonly position: number } | undefined;
  while (position < text.length) {
    const current = parts[part];
    if (current === '*') {
      part += 1;
      retry = { part, position };
    } else if (current?.(text.charAt(position)) === true) {
      part += 1;
      position += 1;
    } else {
      if (retry === undefined) return false;
      retry = { part: retry.part, position: retry.position + 1 };
      ({ part, position } = retry);
    }
  }
  return parts.slice(part).every((rest) => rest === '*');
}

function readGlob(glob: string): readonly GlobPart[] | undefined {
  const parts: GlobPart[] = [];
  let position = 0;
  while (position < glob.length) {
    const character = glob.charAt(position);
    if (character === '[') {
      const read = readClass(glob, position + 1);
      if (read === undefined) return undefined;
      parts.push(read.test);
      position = read.end;
    } else {
      parts.push(character === '*' ? '*' : (one) => one === character);
      position += 1;
    }
  }
  return parts;
}

/** A class from behind its bracket: one or more characters or ranges. */
const CLASS = /(\^?)((?:[^\]-](?:-[^\]-])?)+)\]/y;
const RANGE = /(.)(?:-(.))?/gs;

function readClass(
  glob: string,
  start: number,
): { readonly test: (character: string) => boolean; readonly end: number } | undefined {
  CLASS.lastIndex = start;
  const match = CLASS.exec(glob);
  if (match === null) return undefined;
  const negated = match[1] === '^';
  const ranges = [...(match[2] ?? '').matchAll(RANGE)].map(([, low = '', high = low]) => ({
    low,
    high,
  }));
  return {
    test: (character) =>
      ranges.some(({ low, high }) => low <= character && character <= high) !== negated,
    end: CLASS.lastIndex,
  };
}
