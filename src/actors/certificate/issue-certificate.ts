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
  type Extension,
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
export function issueAuthority(validity: Validity): Promise<IssuedCertificate> {
  const serialNumber = makeSerialNumber();
  // Each its own name: two authorities of one name confuse those who look for the issuer.
  const name = `CN=kuik webhook authority ${serialNumber.slice(0, 8)}`;
  return issue(validity, {
    ...{ serialNumber, subject: name, issuer: name },
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
}

/** Makes a serving certificate for `names`, host names and addresses, signed by `authority`. */
export async function issueServing(
  authority: IssuedCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<IssuedCertificate> {
  const { subject: issuer, publicKey } = new X509Certificate(authority.cert);
  return await issue(validity, {
    ...{ serialNumber: makeSerialNumber(), subject: 'CN=kuik webhook', issuer },
    signingKey: await importKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(toGeneralName)),
      await AuthorityKeyIdentifierExtension.create(publicKey),
    ],
  });
}

/** Makes a key and its certificate, which signs itself unless told by what else. */
async function issue(
  { nowMs, lifetimeMs }: Validity,
  { signingKey, extensions, ...names }: IssueOptions,
): Promise<IssuedCertificate> {
  const generated = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keys = generated as webcrypto.CryptoKeyPair;
  const certificate = await X509CertificateGenerator.create({
    ...names,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + lifetimeMs),
    publicKey: keys.publicKey,
    signingKey: signingKey ?? keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [...extensions, await SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const key = `${PemConverter.encode(der, 'PRIVATE KEY')}\n`;
  return { cert: `${certificate.toString('pem')}\n`, key };
}

interface IssueOptions {
  readonly serialNumber: string;
  readonly subject: string;
  readonly issuer: string;
  readonly signingKey?: webcrypto.CryptoKey;
  readonly extensions: readonly Extension[];
}

function toGeneralName(name: string): { type: 'dns' | 'ip'; value: string } {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name };
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

/** Positive, as RFC 5280 4.1.2.2 wants it, and never the same twice. */
function makeSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
