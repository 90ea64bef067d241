import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate with its key, both as PEM. */
export interface ServerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What a server certificate says; the default is good for loopback. */
export interface CertificateOptions {
  /** DNS names and addresses. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Whom the certificate is said to be for; nobody in particular unless told. */
  readonly purpose?: 'client' | 'server';
}

/** A certificate authority of the test's own. */
export interface CertificateAuthority {
  readonly pem: string;
  readonly issue: (options?: CertificateOptions) => Promise<ServerCertificate>;
  /** One below it, whose own certificate it has signed. */
  readonly issueAuthority: (name: string) => Promise<CertificateAuthority>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const loopbackNames = ['localhost', '127.0.0.1', '::1'];
const hourMs = 3_600_000;

/** Makes an authority that nobody trusts unless told. */
export async function makeAuthority(
  name = 'kuik registry test authority',
): Promise<CertificateAuthority> {
  const keys = await makeKeys();
  return authorityWith(await makeAuthorityCertificate(name, { keys }), keys);
}

interface Signer {
  readonly authority: X509Certificate;
  readonly keys: CryptoKeyPair;
}

function authorityWith(authority: X509Certificate, keys: CryptoKeyPair): CertificateAuthority {
  const signer: Signer = { authority, keys };
  return {
    pem: authority.toString('pem'),
    issue: async (options = {}) => await issue(signer, options),
    issueAuthority: async (name) => {
      const own = await makeKeys();
      return authorityWith(await makeAuthorityCertificate(name, { keys: own, signer }), own);
    },
  };
}

/** Signed by itself where there is nobody else. */
async function makeAuthorityCertificate(
  name: string,
  { keys, signer }: { readonly keys: CryptoKeyPair; readonly signer?: Signer },
): Promise<X509Certificate> {
  return await X509CertificateGenerator.create(
    {
      ...period({}),
      subject: `CN=${name}`,
      issuer: signer?.authority.subject ?? `CN=${name}`,
      publicKey: keys.publicKey,
      signingKey: signer?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    },
    webcrypto as never,
  );
}

/** A server certificate that nobody but itself has signed. */
export async function makeSelfSigned(options: CertificateOptions = {}): Promise<ServerCertificate> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...period(options),
      name: 'CN=kuik registry test server',
      keys,
      signingAlgorithm: algorithm,
      extensions: extensionsOf(options),
    },
    webcrypto as never,
  );
  return await exportPem(certificate, keys);
}

async function makeKeys(): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

function period({ notBefore, notAfter }: CertificateOptions): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date(Date.now() - hourMs),
    notAfter: notAfter ?? new Date(Date.now() + 24 * hourMs),
  };
}

async function issue(signer: Signer, options: CertificateOptions): Promise<ServerCertificate> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create(
    {
      ...period(options),
      subject: 'CN=kuik registry test server',
      issuer: signer.authority.subject,
      publicKey: keys.publicKey,
      signingKey: signer.keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: extensionsOf(options),
    },
    webcrypto as never,
  );
  return await exportPem(certificate, keys);
}

function extensionsOf({ names = loopbackNames, purpose }: CertificateOptions): Extension[] {
  const alternatives = names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const usage = purpose === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  return [
    new SubjectAlternativeNameExtension(alternatives),
    ...(purpose === undefined ? [] : [new ExtendedKeyUsageExtension([usage], true)]),
  ];
}

async function exportPem(
  certificate: X509Certificate,
  keys: CryptoKeyPair,
): Promise<ServerCertificate> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificatePem: certificate.toString('pem'),
    keyPem: PemConverter.encode(key, 'PRIVATE KEY'),
  };
}
