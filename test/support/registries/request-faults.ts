import { Readable } from 'node:stream';
import { dripping, upTo } from './body-changes.ts';
import type { Exchange, Fault } from './faults.ts';
import type { ForwardedRequest } from './forwarder.ts';

/** What goes wrong on the way to the real registry. */
export type RequestFault =
  /** Passes so many bytes of the request's body on, then ends the connection with RST. */
  | { readonly kind: 'reset-upload'; readonly afterBytes: number }
  /** Passes so many bytes of the request's body on, then reads no more and says nothing. */
  | { readonly kind: 'stall-upload'; readonly afterBytes: number }
  /** Takes so many bytes of the request's body at a time. */
  | { readonly kind: 'drip-upload'; readonly bytes: number; readonly everyMs: number }
  /** Serves as if these headers of the request were not there: `range`. */
  | { readonly kind: 'strip-request'; readonly headers: readonly string[] }
  /** Serves as if there were no query: a mount becomes an upload. */
  | { readonly kind: 'strip-query' }
  /** 201 to every PATCH, and all chunks after the first are lost: ECR. */
  | { readonly kind: 'lose-chunks' };

/** The request as it goes on to the real registry; what is received of blobs is counted. */
export function sentWith(
  fault: Fault | undefined,
  { incoming, connection, traffic }: Exchange,
): ForwardedRequest {
  const { method = 'GET', url = '/' } = incoming;
  const headers = { ...incoming.headers };
  const received = traffic.received(incoming);
  const plain = { method, path: url, headers, body: received };
  switch (fault?.kind) {
    case 'reset-upload': {
      const reset = async () => void connection?.resetAndDestroy();
      return { ...plain, body: Readable.from(upTo(received, fault.afterBytes, reset)) };
    }
    case 'stall-upload':
      return { ...plain, body: Readable.from(upTo(received, fault.afterBytes, never)) };
    case 'drip-upload':
      return { ...plain, body: Readable.from(dripping(received, fault)) };
    case 'strip-request':
      for (const name of fault.headers) delete headers[name];
      return plain;
    case 'strip-query':
      return { ...plain, path: url.replace(/\?.*/, '') };
    case 'lose-chunks':
      return isLaterChunk(incoming) ? emptied(plain) : plain;
    default:
      return plain;
  }
}

function isLaterChunk({ method, headers }: Exchange['incoming']): boolean {
  const range = headers['content-range'];
  return method === 'PATCH' && range !== undefined && !range.startsWith('0-');
}

function emptied(sent: ForwardedRequest): ForwardedRequest {
  const { 'content-range': _range, 'transfer-encoding': _encoding, ...headers } = sent.headers;
  // Who sends may break off: nobody else would hear of it.
  sent.body.on('error', () => undefined).resume();
  return { ...sent, headers: { ...headers, 'content-length': '0' }, body: Readable.from([]) };
}

async function never(): Promise<void> {
  await Promise.withResolvers<void>().promise;
}
