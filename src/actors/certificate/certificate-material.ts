import { createPrivateKey, hash, type KeyObject, X509Certificate } from 'node:crypto';
import { fail, type Result, succeed } from '#core/result.ts';
import type { CertificateFacts } from '#machines/certificate.ts';
import type { IssuedCertificate } from './issue-certificate.ts';

/** A serving certificate with its key, and what a client must trust to accept it; all PEM. */
export interface CertificateMaterial extends IssuedCertificate {
  /** Certificate authorities; empty where the client trusts it without being told. */
  readonly bundle: string;
}

/** A certificate with its key, as parsed. */
export interface KeyPair {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** Files and Secret keys hold a few kilobytes; more is no certificate. */
export const pemBytesMax = 262_144;

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Parses a certificate and its key; says what is wrong with them, never what they hold. */
export function readKeyPair(cert: string, key: string): Result<KeyPair, string> {
  const certificate = readCertificate(cert);
  if (certificate === undefined) return fail('expected a PEM certificate, got something else');
  const privateKey = readPrivateKey(key);
  if (privateKey === undefined) return fail('expected a PEM private key, got something else');
  if (!certificate.checkPrivateKey(privateKey)) {
    return fail('expected the private key of the certificate, got another key');
  }
  return succeed({ certificate, key: privateKey });
}

/** Says why a certificate can't serve at `nowMs`; undefined when it can. */
export function findValidityFault(certificate: X509Certificate, nowMs: number): string | undefined {
  if (nowMs >= notAfterMs(certificate)) {
    return `expected a certificate that is valid now, got one that ended ${certificate.validTo}`;
  }
  if (nowMs < Date.parse(certificate.validFrom)) {
    return `expected a certificate that is valid now, got one from ${certificate.validFrom} on`;
  }
  return undefined;
}

/** The end of validity, ms since the epoch. */
export function notAfterMs(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

/** What may be shown of a certificate. */
export function describeMaterial(
  material: CertificateMaterial,
  certificate: X509Certificate,
): CertificateFacts {
  return {
    fingerprint: fingerprintOf(material),
    notAfter: new Date(notAfterMs(certificate)).toISOString(),
    names: (certificate.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
  };
}

/** Tells one material from another without showing it. */
export function fingerprintOf({ cert, key, bundle }: CertificateMaterial): string {
  return hash('sha256', JSON.stringify([cert, key, bundle]));
}

/** Every certificate of a PEM bundle that can be parsed, in order. */
export function readBundle(bundle: string): readonly X509Certificate[] {
  return [...bundle.slice(0, pemBytesMax).matchAll(pemBlock)]
    .map(([block]) => readCertificate(block))
    .filter((certificate) => certificate !== undefined);
}

/** Says whether `authority` signed `certificate`. */
export function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function readCertificate(pem: string): X509Certificate | undefined {
  if (pem.length > pemBytesMax || !pem.includes('-----BEGIN CERTIFICATE-----')) return undefined;
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function readPrivateKey(pem: string): KeyObject | undefined {
  if (pem.length > pemBytesMax) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
