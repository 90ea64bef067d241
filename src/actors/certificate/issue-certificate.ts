// The certificate library registers its parts by decorators and needs this loaded before it.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key (PKCS 8), both PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** From when and for how long something is to be valid. */
export interface Validity {
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** Valid a little before now: the clock of the API server may be behind ours. */
export const backdateMs = 300_000;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

cryptoProvider.set(webcrypto);

/** Makes a certificate authority that signs serving certificates and nothing else. */
export async function issueAuthority(validity: Validity): Promise<IssuedCertificate> {
  const keys = await generateKeys();
  const serialNumber = makeSerialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // Each its own name: two authorities of one name confuse those who look for the issuer.
    name: `CN=kuik webhook authority ${serialNumber.slice(0, 8)}`,
    ...spread(validity),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: toPem(certificate), key: await exportKey(keys.privateKey) };
}

/** Makes a serving certificate for `names`, host names and addresses, signed by `authority`. */
export async function issueServing(
  authority: IssuedCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<IssuedCertificate> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: makeSerialNumber(),
    subject: 'CN=kuik webhook',
    issuer: issuer.subject,
    ...spread(validity),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(toGeneralName)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: toPem(certificate), key: await exportKey(keys.privateKey) };
}

function spread({ nowMs, lifetimeMs }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - backdateMs), notAfter: new Date(nowMs + lifetimeMs) };
}

function toGeneralName(name: string): { type: 'dns' | 'ip'; value: string } {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  return keys as webcrypto.CryptoKeyPair;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

function toPem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** Positive, as RFC 5280 4.1.2.2 wants it, and never the same twice. */
function makeSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
