import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate authority of one day and a serving certificate for this machine's loopback. */
export interface PlaneCertificates {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Clocks of one machine agree, but a certificate must not start in the future of any of them. */
const skewMs = 60_000;
const validityMs = 24 * 3_600_000;

/** Makes both: `localhost`, 127.0.0.1, ::1 and the API server's own Service names. */
export async function makePlaneCertificates(): Promise<PlaneCertificates> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const pair = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [authorityKeys, keys] = await Promise.all([pair(), pair()]);
  const period = {
    notBefore: new Date(Date.now() - skewMs),
    notAfter: new Date(Date.now() + validityMs),
    signingAlgorithm: algorithm,
  };
  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      ...period,
      name: 'CN=kuik test authority',
      keys: authorityKeys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    },
    webcrypto as never,
  );
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const certificate = await X509CertificateGenerator.create(
    {
      ...period,
      subject: 'CN=kube-apiserver',
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      extensions: [
        new SubjectAlternativeNameExtension([
          ...names.map((value) => ({ type: 'dns' as const, value })),
          ...['127.0.0.1', '::1'].map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    },
    webcrypto as never,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    authorityPem: authority.toString('pem'),
    certificatePem: certificate.toString('pem'),
    keyPem: PemConverter.encode(key, 'PRIVATE KEY'),
  };
}
