import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from './faults.ts';

/** Headers of an answer that a test makes up. */
type Headers = Readonly<Record<string, string | readonly string[]>>;

/** What is done without the real registry. */
export type AnswerFault =
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Answers with its headers and never with its body. */
  | { readonly kind: 'hang-body'; readonly status: number }
  /** Ends the connection with RST. */
  | { readonly kind: 'reset' }
  /** Answers with this instead, at once, and reads what is still sent: 404, 429, 5xx, redirects. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Headers;
      readonly body?: string;
    }
  /**
   * Answers so without reading one byte of the request's body, says that it closes, and does: with
   * FIN, reading on for a moment, or with RST, which can overtake the answer.
   */
  | {
      readonly kind: 'early-answer';
      readonly status: number;
      readonly ending: 'close' | 'reset';
      readonly headers?: Headers;
      readonly body?: string;
    }
  /** Reads the request's body to its end and then answers so. */
  | {
      readonly kind: 'late-answer';
      readonly status: number;
      readonly headers?: Headers;
      readonly body?: string;
    }
  /** Writes just this: what no HTTP library would send. */
  | { readonly kind: 'raw'; readonly text: string }
  /** 404 where a manifest is asked for by digest; serves tags. */
  | { readonly kind: 'no-digests' }
  /** An error whose body is so long, as fast as it is read. */
  | { readonly kind: 'long-body'; readonly status: number; readonly bytes: number }
  /** A header line that never ends. */
  | { readonly kind: 'endless-header' }
  /** Headers without end, each a short one. */
  | { readonly kind: 'endless-headers' };

const chunk = Buffer.alloc(65_536, 'x');
/** How long one that answered early with FIN still reads, as Go's server does. */
const lingerMs = 500;

/** Carries out a fault that needs no real registry; false when the request goes on. */
export function answersWithFault(
  fault: { readonly kind: string } | AnswerFault,
  exchange: Exchange,
): boolean {
  const known = fault as AnswerFault;
  const { incoming, response, connection } = exchange;
  switch (known.kind) {
    case 'hang':
      return true;
    case 'hang-body':
      response.writeHead(known.status, { 'content-length': '1000' });
      response.flushHeaders();
      return true;
    case 'reset':
      connection?.resetAndDestroy();
      return true;
    case 'answer':
      answer(known, exchange);
      return true;
    case 'early-answer':
      void answerEarly(known, exchange);
      return true;
    case 'late-answer':
      incoming.on('end', () => answer(known, exchange)).resume();
      return true;
    case 'raw':
      incoming.socket.write(known.text);
      response.detachSocket(incoming.socket);
      return true;
    case 'long-body':
      response.writeHead(known.status, { 'content-length': String(known.bytes) });
      void pour(exchange, known.bytes);
      return true;
    case 'endless-header':
      void pourHeaders(exchange, 'x'.repeat(1_000));
      return true;
    case 'endless-headers':
      void pourHeaders(exchange, 'x-more: 1\r\n'.repeat(100));
      return true;
    case 'no-digests':
      if (!/\/manifests\/\w+:/.test(incoming.url ?? '')) return false;
      response.writeHead(404).end();
      return true;
    default:
      return false;
  }
}

interface MadeUpAnswer {
  readonly status: number;
  readonly headers?: Headers;
  readonly body?: string;
}

function answer({ status, headers, body = '' }: MadeUpAnswer, { response }: Exchange): void {
  response.writeHead(status, { ...headers } as Record<string, string | string[]>);
  response.end(body);
}

/** Written by hand: Node's server reads the rest of a request whose answer is complete. */
async function answerEarly(
  fault: AnswerFault & { readonly kind: 'early-answer' },
  { incoming, connection }: Exchange,
): Promise<void> {
  const { status, headers = {}, body = '', ending } = fault;
  const lines = [
    `HTTP/1.1 ${status} Early`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  const { socket } = incoming;
  socket.pause();
  const { promise: written, resolve } = Promise.withResolvers<void>();
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, () => resolve());
  await written;
  if (ending === 'reset') {
    connection?.resetAndDestroy();
    return;
  }
  socket.end();
  incoming.resume();
  await delay(lingerMs);
  socket.destroy();
}

async function pour({ response }: Exchange, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    const full = !response.write(chunk.subarray(0, Math.min(chunk.length, bytes - sent)));
    if (full) await drained(response);
  }
  response.end();
}

async function pourHeaders({ incoming }: Exchange, text: string): Promise<void> {
  const { socket } = incoming;
  socket.write('HTTP/1.1 200 OK\r\nx-endless: ');
  while (!socket.destroyed) {
    if (socket.write(text)) await delay(1);
    else await drained(socket);
  }
}

/** Until there is room again, or nobody to read. */
async function drained(stream: NodeJS.WritableStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('drain', resolve).once('close', resolve);
  await promise;
  stream.off('drain', resolve).off('close', resolve);
}
