import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { dripping, flipped, resized, upTo } from './body-changes.ts';
import type { Exchange, Fault } from './faults.ts';

/** What goes wrong on the way back. */
export type ResponseFault =
  /** Serves, with these headers added or replaced: rate limits, another digest. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Serves without these headers. */
  | { readonly kind: 'strip'; readonly headers: readonly string[] }
  /** Serves, with the `Location` changed so: over http, relative, to another host. */
  | { readonly kind: 'relocate'; readonly change: (location: string) => string }
  /** Announces the whole body and breaks off in the middle. */
  | { readonly kind: 'truncate' }
  /** Announces the whole body and ends the connection with RST after so many bytes. */
  | { readonly kind: 'reset-body'; readonly afterBytes: number }
  /** Announces the whole body and sends nothing after so many bytes. */
  | { readonly kind: 'stall-body'; readonly afterBytes: number }
  /** Sends so many bytes of the body at a time. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** Serves a body of the right length with one byte changed; the first unless told. */
  | { readonly kind: 'corrupt'; readonly atByte?: number }
  /** Serves and announces a body that is so many bytes longer, or shorter (below 0). */
  | { readonly kind: 'resize'; readonly byBytes: number }
  /** The real registry does as it was asked; the connection ends with RST instead of its answer. */
  | { readonly kind: 'lose-answer' };

/** What was written is only safe from the RST once the other side has taken it. */
const takenMs = 50;

/** Passes the real registry's answer on, spoilt where the fault says so; blobs are counted. */
export function serveWith(
  fault: Fault | undefined,
  real: IncomingMessage,
  exchange: Exchange,
): void {
  const { response, connection, traffic } = exchange;
  if (fault?.kind === 'lose-answer') {
    real.resume();
    connection?.resetAndDestroy();
    return;
  }
  response.writeHead(statusWith(fault, real, exchange), headersWith(fault, real));
  const body = bodyWith(fault, real, exchange);
  pipeline(traffic.served(exchange.incoming, body), response, () => undefined);
}

function statusWith(
  fault: Fault | undefined,
  { statusCode = 500 }: IncomingMessage,
  { incoming }: Exchange,
): number {
  const lies = fault?.kind === 'lose-chunks' && incoming.method === 'PATCH' && statusCode === 202;
  return lies ? 201 : statusCode;
}

function headersWith(fault: Fault | undefined, real: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...real.headers };
  const { location } = real.headers;
  if (fault?.kind === 'headers') Object.assign(headers, fault.headers);
  if (fault?.kind === 'strip') for (const name of fault.headers) delete headers[name];
  if (fault?.kind === 'resize') headers['content-length'] = lengthOf(real) + fault.byBytes;
  if (fault?.kind === 'relocate' && location !== undefined) {
    headers['location'] = fault.change(location);
  }
  return headers;
}

function bodyWith(
  fault: Fault | undefined,
  real: IncomingMessage,
  { response, connection }: Exchange,
): Readable {
  switch (fault?.kind) {
    case 'truncate': {
      const half = Math.floor(lengthOf(real) / 2);
      return Readable.from(upTo(real, half, async () => void response.destroy()));
    }
    case 'reset-body': {
      const reset = async () => {
        await delay(takenMs);
        connection?.resetAndDestroy();
      };
      return Readable.from(upTo(real, fault.afterBytes, reset));
    }
    case 'stall-body': {
      const never = async () => await Promise.withResolvers<void>().promise;
      return Readable.from(upTo(real, fault.afterBytes, never));
    }
    case 'drip':
      return Readable.from(dripping(real, fault));
    case 'corrupt':
      return Readable.from(flipped(real, fault.atByte ?? 0));
    case 'resize':
      return Readable.from(resized(real, lengthOf(real) + fault.byBytes));
    default:
      return real;
  }
}

function lengthOf(real: IncomingMessage): number {
  return Number(real.headers['content-length'] ?? 0);
}
