import { createServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { fail, type Result, succeed } from '#core/result.ts';
import { type Listener, type ListenOptions, serve, serverTimeouts } from './listen.ts';

/** A certificate chain with its key, both PEM. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Where to listen, and with which certificate at first. */
export interface TlsListenOptions extends ListenOptions {
  readonly certificate: TlsCertificate;
}

/** A TLS listener whose certificate can be swapped while it serves. */
export interface TlsListener extends Listener {
  /**
   * Takes another certificate for connections from now on; those that stand keep theirs. One that
   * is no certificate changes nothing.
   */
  readonly setCertificate: (certificate: TlsCertificate) => Result<void, { message: string }>;
}

/** Time a client has for its handshake, in ms; Node's own is two minutes. */
const handshakeTimeoutMs = 10_000;

/** Serves an app over TLS 1.2 or newer. HTTP/1.1 only: API servers speak nothing else to webhooks. */
export async function listenTls(
  app: FastifyInstance,
  options: TlsListenOptions,
): Promise<TlsListener> {
  const server = createServer({
    ...contextOptions(options.certificate),
    ...serverTimeouts,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
  });
  const listener = await serve(server, app, options);
  return {
    ...listener,
    setCertificate: (certificate) => {
      try {
        server.setSecureContext(contextOptions(certificate));
        return succeed(undefined);
      } catch (error) {
        // OpenSSL's words name neither certificate nor key.
        const got = error instanceof Error ? error.message : String(error);
        return fail({ message: `expected a PEM certificate with its key, got ${got}` });
      }
    },
  };
}

function contextOptions({ cert, key }: TlsCertificate): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2' };
}
