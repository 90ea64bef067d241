import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Forwarder } from './forwarder.ts';

/** What a registry can do wrong. */
export type Fault =
  /** Serves after so long. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Answers with its headers and never with its body. */
  | { readonly kind: 'hang-body'; readonly status: number }
  /** Ends the connection with RST. */
  | { readonly kind: 'reset' }
  /** Answers with this instead: 404, 429 with Retry-After, 5xx, redirects. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: string;
    }
  /** Writes just this: what no HTTP library would send. */
  | { readonly kind: 'raw'; readonly text: string }
  /** Serves, with these headers added: rate limits. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Serves without these headers. */
  | { readonly kind: 'strip'; readonly headers: readonly string[] }
  /** 404 where a manifest is asked for by digest; serves tags. */
  | { readonly kind: 'no-digests' }
  /** Announces the whole body and breaks off in the middle. */
  | { readonly kind: 'truncate' }
  /** Serves a body of the right length with one byte changed. */
  | { readonly kind: 'corrupt' }
  /** An error whose body is so long, as fast as it is read. */
  | { readonly kind: 'long-body'; readonly status: number; readonly bytes: number }
  /** A header line that never ends. */
  | { readonly kind: 'endless-header' }
  /** Headers without end, each a short one. */
  | { readonly kind: 'endless-headers' };

const chunk = Buffer.alloc(65_536, 'x');

/** One request, its answer to be, and the TCP connection below it (and below TLS). */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Socket | undefined;
}

/** Carries out a fault that needs no real registry; false when the request goes on. */
export function answersWithFault(
  fault: Fault,
  { incoming, response, connection }: Exchange,
): boolean {
  switch (fault.kind) {
    case 'hang':
      return true;
    case 'hang-body':
      response.writeHead(fault.status, { 'content-length': '1000' });
      response.flushHeaders();
      return true;
    case 'reset':
      connection?.resetAndDestroy();
      return true;
    case 'answer':
      response.writeHead(fault.status, { ...fault.headers } as Record<string, string | string[]>);
      response.end(fault.body ?? '');
      return true;
    case 'raw':
      incoming.socket.write(fault.text);
      response.detachSocket(incoming.socket);
      return true;
    case 'long-body':
      response.writeHead(fault.status, { 'content-length': String(fault.bytes) });
      void pour(response, fault.bytes);
      return true;
    case 'endless-header':
      void pourHeaders(incoming, 'x'.repeat(1_000));
      return true;
    case 'endless-headers':
      void pourHeaders(incoming, 'x-more: 1\r\n'.repeat(100));
      return true;
    case 'no-digests':
      if (!/\/manifests\/\w+:/.test(incoming.url ?? '')) return false;
      response.writeHead(404).end();
      return true;
    default:
      return false;
  }
}

/** Sends the request on to the real registry, spoiling the answer where the fault says so. */
export function forwardingFault(
  fault: Fault | undefined,
  way: Exchange & { readonly forward: Forwarder },
): void {
  const { incoming, response, forward } = way;
  const send = (): void => forward(incoming, response, (real) => spoil(fault, real, response));
  if (fault?.kind === 'delay') void delay(fault.delayMs).then(send);
  else send();
}

function spoil(fault: Fault | undefined, real: IncomingMessage, response: ServerResponse): void {
  const headers: Record<string, string | string[] | undefined> = { ...real.headers };
  if (fault?.kind === 'headers') Object.assign(headers, fault.headers);
  if (fault?.kind === 'strip') for (const name of fault.headers) delete headers[name];
  response.writeHead(real.statusCode ?? 500, headers);
  const length = Number(real.headers['content-length'] ?? 0);
  if (fault?.kind === 'truncate') void truncate(real, response, Math.floor(length / 2));
  else if (fault?.kind === 'corrupt') void corrupt(real, response);
  else real.pipe(response);
}

async function truncate(
  real: IncomingMessage,
  response: ServerResponse,
  bytes: number,
): Promise<void> {
  let left = bytes;
  for await (const part of real as AsyncIterable<Buffer>) {
    response.write(part.subarray(0, left));
    left -= part.length;
    if (left <= 0) break;
  }
  response.destroy();
}

async function corrupt(real: IncomingMessage, response: ServerResponse): Promise<void> {
  let first = true;
  for await (const part of real as AsyncIterable<Buffer>) {
    if (first) part.writeUInt8(part.readUInt8(0) ^ 1, 0);
    first = false;
    response.write(part);
  }
  response.end();
}

async function pour(response: ServerResponse, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    const full = !response.write(chunk.subarray(0, Math.min(chunk.length, bytes - sent)));
    if (full) await drained(response);
  }
  response.end();
}

async function pourHeaders(incoming: IncomingMessage, text: string): Promise<void> {
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
