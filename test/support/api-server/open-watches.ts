import type { IncomingMessage, ServerResponse } from 'node:http';

/** Watches that pass through a proxy now, and what can be done to them. `path` picks some. */
export interface OpenWatches {
  /** Passes one on, line by line, until either side ends it or it is cut. */
  readonly pass: (watch: PassingWatch) => void;
  /** Paths with their queries, of those that are open and not silent. */
  readonly open: (path?: RegExp) => readonly string[];
  /** Ends their connections as a crash of something in between does; says how many. */
  readonly cut: (path?: RegExp) => number;
  /** Lets nothing pass any more and leaves them open, as a connection dies without a word. */
  readonly silence: (path?: RegExp) => number;
  /** Sends a line of our own into each. */
  readonly send: (line: object, path?: RegExp) => number;
}

/** One watch on its way. */
export interface PassingWatch {
  readonly path: string;
  /** The API server's answer. */
  readonly real: IncomingMessage;
  /** What the client gets of it. */
  readonly response: ServerResponse;
}

/** How the API server ends a watch whose version it no longer knows. */
export const expiredLine = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'too old resource version: 1 (2)',
    reason: 'Expired',
    code: 410,
  },
} as const;

interface Passing extends PassingWatch {
  /** Bytes of a line whose end has not come yet; only whole lines go on. */
  rest: Buffer;
  silent: boolean;
}

/** Makes the register of the watches that pass through one proxy. */
export function createOpenWatches(): OpenWatches {
  const passing = new Set<Passing>();
  const chosen = (path: RegExp | undefined): Passing[] =>
    [...passing].filter((watch) => !watch.silent && (path?.test(watch.path) ?? true));
  const each = (path: RegExp | undefined, act: (watch: Passing) => void): number => {
    const watches = chosen(path);
    for (const watch of watches) act(watch);
    return watches.length;
  };
  return {
    pass: (watch) => {
      const entry: Passing = { ...watch, rest: Buffer.alloc(0), silent: false };
      passing.add(entry);
      watch.response.on('close', () => passing.delete(entry));
      passOn(entry);
    },
    open: (path) => chosen(path).map((watch) => watch.path),
    cut: (path) => each(path, ({ response }) => response.destroy()),
    silence: (path) =>
      each(path, (watch) => {
        watch.silent = true;
      }),
    send: (line, path) =>
      each(path, ({ response }) => void response.write(`${JSON.stringify(line)}\n`)),
  };
}

function passOn(watch: Passing): void {
  const { real, response } = watch;
  response.writeHead(real.statusCode ?? 500, real.headers);
  response.flushHeaders();
  real.on('data', (chunk: Buffer) => {
    const bytes = Buffer.concat([watch.rest, chunk]);
    const end = bytes.lastIndexOf(10) + 1;
    watch.rest = bytes.subarray(end);
    if (!watch.silent && end > 0) response.write(bytes.subarray(0, end));
  });
  real.on('end', () => {
    if (!watch.silent) response.end();
  });
  real.on('error', () => response.destroy());
}
