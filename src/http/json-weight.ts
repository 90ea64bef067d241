/** What a text of JSON holds, whatever JSON needs to write it. */
export interface JsonWeight {
  /** Bytes, each `\u003c` and its like counted as the one that it stands for. */
  readonly plainBytes: number;
  /** Objects, lists, and members of both but the first: what parsing makes something of. */
  readonly parts: number;
}

/** Weighs JSON without parsing it: some 20 ms for 10 MB. */
export function weighJson(text: Buffer): JsonWeight {
  let parts = 0;
  let escapedBytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === quote) {
      const string = weighString(text, at);
      escapedBytes += string.escapedBytes;
      at = string.end;
    } else if (byte === comma || byte === brace || byte === bracket) parts += 1;
  }
  return { plainBytes: text.length - escapedBytes, parts };
}

const quote = 0x22;
const comma = 0x2c;
const bracket = 0x5b;
const brace = 0x7b;
const backslash = 0x5c;
const letterU = 0x75;
/** Beside the one that it stands for, of `\u003c`. */
const unicodeEscapeBytes = 5;

/** Where the string ends that begins at a quote, and what escapes take in it. */
function weighString(
  text: Buffer,
  begin: number,
): { readonly end: number; readonly escapedBytes: number } {
  let escapedBytes = 0;
  let end = begin + 1;
  while (end < text.length && text[end] !== quote) {
    if (text[end] === backslash) {
      end += 1;
      escapedBytes += text[end] === letterU ? unicodeEscapeBytes : 1;
    }
    end += 1;
  }
  return { end, escapedBytes };
}
