import { Writable } from 'node:stream';

/** A stream that remembers what was written to it, as a terminal or as a pipe. */
export function recordedStream(kind: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  let written = '';
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      written += chunk;
      done();
    },
  });
  return { stream: Object.assign(stream, kind) as NodeJS.WriteStream, text: () => written };
}
