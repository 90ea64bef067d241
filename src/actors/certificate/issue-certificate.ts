import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** A certificate and its private key (PKCS 8), both PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** From when until when something is to be valid. */
export interface ValidityPeriod {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Object identifiers of X.501 and X9.62 that the library of X.509 has no names for. */
const commonName = '2.5.4.3';
const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

/** Makes a certificate authority that signs serving certificates and nothing else. */
export function issueAuthority(period: ValidityPeriod): Promise<IssuedCertificate> {
  const serialNumber = makeSerialNumber();
  // Each its own name: two authorities of one name confuse those who look for the issuer.
  const name = nameOf(`kuik webhook authority ${serialNumber.toString('hex').slice(0, 8)}`);
  return issue(period, {
    ...{ serialNumber, subject: name, issuer: name },
    extensions: [
      extension(
        id_ce_basicConstraints,
        new BasicConstraints({ cA: true, pathLenConstraint: 0 }),
        true,
      ),
      extension(
        id_ce_keyUsage,
        new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
        true,
      ),
    ],
  });
}

/** Makes a serving certificate for `names`, host names and addresses, signed by `authority`. */
export async function issueServing(
  authority: IssuedCertificate,
  names: readonly string[],
  period: ValidityPeriod,
): Promise<IssuedCertificate> {
  const { tbsCertificate } = AsnConvert.parse(new X509Certificate(authority.cert).raw, Certificate);
  const { subject: issuer, subjectPublicKeyInfo } = tbsCertificate;
  const keyIdentifier = keyIdentifierOf(subjectPublicKeyInfo);
  return await issue(period, {
    ...{ serialNumber: makeSerialNumber(), subject: nameOf('kuik webhook'), issuer },
    signingKey: createPrivateKey(authority.key),
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints(), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(id_ce_subjectAltName, new SubjectAlternativeName(names.map(toGeneralName))),
      extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier })),
    ],
  });
}

const makeKeyPair = promisify(generateKeyPair);

/** Makes a key and its certificate, which signs itself unless told by what else. */
async function issue(
  { fromMs, untilMs }: ValidityPeriod,
  { serialNumber, subject, issuer, signingKey, extensions }: IssueOptions,
): Promise<IssuedCertificate> {
  const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const subjectPublicKeyInfo = AsnConvert.parse(spki, SubjectPublicKeyInfo);
  const signature = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const tbsCertificate = new TBSCertificate({
    ...{ version: Version.v3, serialNumber: toArrayBuffer(serialNumber) },
    ...{ signature, issuer, subject, subjectPublicKeyInfo },
    validity: new Validity({ notBefore: new Date(fromMs), notAfter: new Date(untilMs) }),
    extensions: new Extensions([
      ...extensions,
      extension(
        id_ce_subjectKeyIdentifier,
        new SubjectKeyIdentifier(keyIdentifierOf(subjectPublicKeyInfo)),
      ),
    ]),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
  const certificate = new Certificate({
    ...{ tbsCertificate, signatureAlgorithm: signature },
    signatureValue: toArrayBuffer(sign('sha256', signed, signingKey ?? privateKey)),
  });
  return {
    cert: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString(),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

interface IssueOptions {
  readonly serialNumber: Buffer;
  readonly subject: Name;
  readonly issuer: Name;
  readonly signingKey?: KeyObject;
  readonly extensions: readonly Extension[];
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  const attribute = new AttributeTypeAndValue({ type: commonName, value });
  return new Name([new RelativeDistinguishedName([attribute])]);
}

function extension(extnID: string, value: object, critical = false): Extension {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Extension({ extnID, critical, extnValue });
}

/** As RFC 5280 4.2.1.2 proposes first, and as the authorities in Secrets were always named. */
function keyIdentifierOf({ subjectPublicKey }: SubjectPublicKeyInfo): SubjectKeyIdentifier {
  const digest = createHash('sha1').update(Buffer.from(subjectPublicKey)).digest();
  return new SubjectKeyIdentifier(toArrayBuffer(digest));
}

function toGeneralName(name: string): GeneralName {
  return new GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name });
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Positive, as RFC 5280 4.1.2.2 wants it, and never the same twice. */
function makeSerialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}
