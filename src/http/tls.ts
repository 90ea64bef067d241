import { X509Certificate } from 'node:crypto';
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
  /**
   * PEM of the authorities whose certificates clients have to show (`--webhook-client-ca`); whoever
   * has none does not get as far as a request. Everybody may ask unless told.
   */
  readonly clientAuthority?: string;
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
/** API servers and all their connections of a burst stay far below. */
const connectionsMax = 2_048;

/** Serves an app over TLS 1.2 or newer. HTTP/1.1 only: API servers speak nothing else to webhooks. */
export async function listenTls(
  app: FastifyInstance,
  options: TlsListenOptions,
): Promise<TlsListener> {
  const { certificate, clientAuthority } = options;
  const asksClients = clientAuthority !== undefined;
  if (asksClients) assertAuthority(clientAuthority);
  const server = createServer({
    ...contextOptions(certificate, clientAuthority),
    ...serverTimeouts,
    requestCert: asksClients,
    rejectUnauthorized: asksClients,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
  });
  const listener = await serve(server, app, { connectionsMax, ...options });
  return {
    ...listener,
    setCertificate: (taken) => {
      try {
        server.setSecureContext(contextOptions(taken, clientAuthority));
        return succeed(undefined);
      } catch (error) {
        // OpenSSL's words name neither certificate nor key.
        const got = error instanceof Error ? error.message : String(error);
        return fail({ message: `expected a PEM certificate with its key, got ${got}` });
      }
    },
  };
}

/** The authorities belong to the context: one that is swapped without them trusts the system's. */
function contextOptions(
  { cert, key }: TlsCertificate,
  clientAuthority: string | undefined,
): SecureContextOptions {
  const ca = clientAuthority === undefined ? {} : { ca: clientAuthority };
  return { cert, key, minVersion: 'TLSv1.2', ...ca };
}

/** TLS takes any text for authorities, and then trusts nobody. */
export function assertAuthority(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new Error('--webhook-client-ca: expected certificates as PEM', { cause });
  }
}
