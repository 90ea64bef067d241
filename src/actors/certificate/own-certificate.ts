import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type CertificateMaterial,
  findValidityFault,
  isSignedBy,
  type KeyPair,
  notAfterMs,
  readBundle,
  readKeyPair,
} from './certificate-material.ts';
import type { ValidityPeriod } from './issue-certificate.ts';

/** What the Secret holds: the serving certificate, the authorities, the newest one's key; PEM. */
export interface OwnCertificate extends CertificateMaterial {
  readonly authorityKey: string;
}

/** How long what we issue is valid, and how long before its end it is replaced; ms. */
export interface Lifetimes {
  readonly authorityMs: number;
  readonly authorityRenewBeforeMs: number;
  readonly servingMs: number;
  readonly servingRenewBeforeMs: number;
  /** A new authority signs only after it was trusted for so long. */
  readonly trustDelayMs: number;
}

const dayMs = 86_400_000;

/** Valid a little before now: the clock of the API server may be behind ours. */
const backdateMs = 300_000;

/** A quarter is long for a key in a Secret; a month to renew in outlasts any outage of ours. */
export const defaultLifetimes: Lifetimes = {
  authorityMs: 5 * 365 * dayMs,
  authorityRenewBeforeMs: 365 * dayMs,
  servingMs: 90 * dayMs,
  servingRenewBeforeMs: 30 * dayMs,
  // Every replica has written or seen the new `caBundle` long before that.
  trustDelayMs: 60_000,
};

/** Old authorities are few: each is dropped at its end, and a bundle must stay small. */
const authoritiesMax = 4;

/** What a certificate of our own is judged by. */
export interface OwnOptions {
  /** Host names and addresses that it must name. */
  readonly names: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly nowMs: number;
}

/** What is to be done about our own certificate, and why it can't serve, if it can't. */
export interface OwnPlan {
  /**
   * `keep`; `sign`: a new serving certificate by the authority there is; `introduce`: a new
   * authority beside the old, which goes on until the new one is trusted; `replace`: both at once.
   */
  readonly step: 'keep' | 'sign' | 'introduce' | 'replace';
  readonly fault: string | undefined;
}

/** Plans from the whole state, so that any replica may do it at any time. */
export function planOwnCertificate(own: OwnCertificate, options: OwnOptions): OwnPlan {
  const pair = readKeyPair(own.cert, own.key);
  const authorities = readBundle(own.bundle);
  const fault = pair.ok ? findServingFault(pair.value, authorities, options) : pair.error;
  const serving = pair.ok && fault === undefined ? pair.value.certificate : undefined;
  const authority = findUsableAuthority(own, options);
  if (serving === undefined) return { step: authority ? 'sign' : 'replace', fault };
  // What serves can go on while a new authority becomes trusted.
  if (authority === undefined) return { step: 'introduce', fault };
  return { step: planRenewal(serving, authority, options), fault };
}

function planRenewal(
  serving: X509Certificate,
  authority: X509Certificate,
  { lifetimes, nowMs }: OwnOptions,
): OwnPlan['step'] {
  if (notAfterMs(authority) - nowMs < lifetimes.authorityRenewBeforeMs) return 'introduce';
  const servingEnds = notAfterMs(serving) - nowMs < lifetimes.servingRenewBeforeMs;
  const introducedMs = Date.parse(authority.validFrom) + backdateMs;
  const trusted = nowMs - introducedMs >= lifetimes.trustDelayMs;
  return trusted && (servingEnds || !isSignedBy(serving, authority)) ? 'sign' : 'keep';
}

function findServingFault(
  { certificate }: KeyPair,
  authorities: readonly X509Certificate[],
  { names, nowMs }: OwnOptions,
): string | undefined {
  const fault = findValidityFault(certificate, nowMs);
  if (fault !== undefined) return fault;
  const unnamed = names.find((name) => !isNamed(certificate, name));
  if (unnamed !== undefined) return `expected a certificate for ${unnamed}, got one for others`;
  if (authorities.some((authority) => isSignedBy(certificate, authority))) return undefined;
  return 'expected a certificate signed by an authority in ca.crt, got one that is not';
}

/** Node throws when a host name is looked for among the addresses. */
function isNamed(certificate: X509Certificate, name: string): boolean {
  const found = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
  return found !== undefined;
}

/** The newest authority, if its key is there and it is valid; else nothing can be signed. */
function findUsableAuthority(own: OwnCertificate, { nowMs }: OwnOptions) {
  const pair = readKeyPair(own.bundle, own.authorityKey);
  if (!pair.ok) return undefined;
  const { certificate, key } = pair.value;
  const ours = key.asymmetricKeyType === 'ec' && certificate.ca;
  const onCurve = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (!ours || !onCurve || findValidityFault(certificate, nowMs) !== undefined) return undefined;
  return certificate;
}

/** Takes the planned step; without anything before, that is a new authority and certificate. */
export async function takeOwnStep(
  own: OwnCertificate | undefined,
  step: Exclude<OwnPlan['step'], 'keep'>,
  options: OwnOptions,
): Promise<OwnCertificate> {
  const { lifetimes, names, nowMs } = options;
  // Loaded only here: most starts find a certificate in the Secret.
  const { issueAuthority, issueServing } = await import('./issue-certificate.ts');
  const validity = periodOf(nowMs, lifetimes.servingMs);
  const kept = readBundle(own?.bundle ?? '').filter(
    (authority) => findValidityFault(authority, nowMs) === undefined,
  );
  if (own !== undefined && step === 'sign') {
    const authority = { cert: toPem(kept.slice(0, 1)), key: own.authorityKey };
    const serving = await issueServing(authority, names, validity);
    return { ...serving, bundle: toPem(kept), authorityKey: own.authorityKey };
  }
  const authority = await issueAuthority(periodOf(nowMs, lifetimes.authorityMs));
  const bundle = `${authority.cert}${toPem(kept.slice(0, authoritiesMax - 1))}`;
  const authorityKey = authority.key;
  if (own !== undefined && step === 'introduce') return { ...own, bundle, authorityKey };
  const serving = await issueServing(authority, names, validity);
  return { ...serving, bundle, authorityKey };
}

function periodOf(nowMs: number, lifetimeMs: number): ValidityPeriod {
  return { fromMs: nowMs - backdateMs, untilMs: nowMs + lifetimeMs };
}

function toPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}
