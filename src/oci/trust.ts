import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** A CA file that cannot be read: the registry it stands for cannot be trusted either. */
export class TrustError extends Error {
  readonly code = 'ERR_TLS_CA_FILE';
}

/** Whom we trust: one TLS context for all registries, one each for those with a CA file. */
export interface Trust {
  /** `caFile` is a path or PEM text itself. Throws `TrustError` when it holds no certificate. */
  readonly contextFor: (caFile?: string) => SecureContext;
}

/** Node's own roots, the system's, and those of `NODE_EXTRA_CA_CERTS`. */
export function systemRoots(): readonly string[] {
  return (['bundled', 'system', 'extra'] as const).flatMap((kind) => getCACertificates(kind));
}

/**
 * Parsing some three hundred roots takes 10 ms and more: done once, at the first connection, never
 * for each one.
 */
export function createTrust(roots: () => readonly string[]): Trust {
  let known: readonly string[] | undefined;
  let common: SecureContext | undefined;
  const readRoots = (): readonly string[] => {
    known ??= [...new Set(roots())];
    return known;
  };
  return {
    contextFor: (caFile) => {
      if (caFile === undefined || caFile === '') {
        common ??= createContext(readRoots());
        return common;
      }
      return extendedContext(readRoots(), caFile);
    },
  };
}

/**
 * As Go's clients trust: a certificate of the list ends a chain whether or not it is a root, and a
 * server that knows nothing of secure renegotiation (RFC 5746), which we never begin, is spoken to.
 */
function createContext(ca: readonly string[]): SecureContext {
  return createSecureContext({
    ca: [...ca],
    allowPartialTrustChain: true,
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  });
}

function extendedContext(roots: readonly string[], caFile: string): SecureContext {
  const isText = caFile.includes('-----BEGIN');
  const name = isText ? 'the CA text of the configuration' : caFile;
  try {
    const pem = isText ? caFile : readFileSync(caFile, 'utf8');
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no PEM certificate in it');
    return createContext([...roots, pem]);
  } catch (error) {
    throw new TrustError(`expected CA certificates in ${name}: ${(error as Error).message}`);
  }
}
