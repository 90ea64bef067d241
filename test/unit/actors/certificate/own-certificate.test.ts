import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { isSignedBy, readBundle } from '#actors/certificate/certificate-material.ts';
import {
  defaultLifetimes,
  type OwnCertificate,
  planOwnCertificate,
  takeOwnStep,
} from '#actors/certificate/own-certificate.ts';
import { webhookNames } from '#actors/certificate/webhook-configuration.ts';

const dayMs = 86_400_000;
const madeMs = Date.parse('2026-01-01T00:00:00Z');
const names = ['kuik.kuik-system.svc', '10.0.0.7', '::1'];
const at = (nowMs: number, others: Partial<{ names: string[] }> = {}) => ({
  names,
  lifetimes: defaultLifetimes,
  nowMs,
  ...others,
});

describe('a certificate of our own', () => {
  let own: OwnCertificate;
  beforeAll(async () => {
    own = await takeOwnStep(undefined, 'replace', at(madeMs));
  });
  const leaf = (of: OwnCertificate) => new X509Certificate(of.cert);

  test('names hosts and addresses, and is signed by the authority beside it', () => {
    expect(leaf(own).subjectAltName).toBe(
      'DNS:kuik.kuik-system.svc, IP Address:10.0.0.7, IP Address:0:0:0:0:0:0:0:1',
    );
    const [authority] = readBundle(own.bundle);
    expect(isSignedBy(leaf(own), authority!)).toBe(true);
    expect([authority!.ca, leaf(own).ca]).toEqual([true, false]);
    expect(Date.parse(leaf(own).validTo)).toBe(madeMs + 90 * dayMs);
    expect(planOwnCertificate(own, at(madeMs))).toEqual({ step: 'keep', fault: undefined });
  });

  test('is signed anew a month before its end, by the same authority: nobody has to trust anew', async () => {
    const dueMs = madeMs + 60 * dayMs + 1;
    expect(planOwnCertificate(own, at(dueMs - 2)).step).toBe('keep');
    expect(planOwnCertificate(own, at(dueMs))).toEqual({ step: 'sign', fault: undefined });
    const next = await takeOwnStep(own, 'sign', at(dueMs));
    expect(readBundle(next.bundle).map(String)).toEqual(readBundle(own.bundle).map(String));
    expect(planOwnCertificate(next, at(dueMs))).toEqual({ step: 'keep', fault: undefined });
  });

  test('is signed anew at once when it ended or names others', () => {
    const endedMs = madeMs + 91 * dayMs;
    const ended = planOwnCertificate(own, at(endedMs));
    expect(ended.step).toBe('sign');
    expect(ended.fault).toMatch(/^expected a certificate that is valid now, got one that ended/);
    const others = planOwnCertificate(own, at(madeMs, { names: ['other.example.com'] }));
    expect(others).toEqual({
      step: 'sign',
      fault: 'expected a certificate for other.example.com, got one for others',
    });
  });

  test('gets a new authority in two steps: trusted beside the old one, and only later in use', async () => {
    const introducedMs = madeMs + 4 * 365 * dayMs + 1;
    const current = await takeOwnStep(own, 'sign', at(introducedMs - dayMs));
    expect(planOwnCertificate(current, at(introducedMs)).step).toBe('introduce');
    const both = await takeOwnStep(current, 'introduce', at(introducedMs));
    expect([both.cert, both.key]).toEqual([current.cert, current.key]);
    expect(readBundle(both.bundle)).toHaveLength(2);
    expect(planOwnCertificate(both, at(introducedMs + 59_000)).step).toBe('keep');
    expect(planOwnCertificate(both, at(introducedMs + 60_000)).step).toBe('sign');
    const next = await takeOwnStep(both, 'sign', at(introducedMs + 60_000));
    const [newer, older] = readBundle(next.bundle);
    expect(isSignedBy(leaf(next), newer!)).toBe(true);
    expect(isSignedBy(leaf(both), older!)).toBe(true);
    expect(planOwnCertificate(next, at(introducedMs + 60_000)).step).toBe('keep');
    const afterOld = madeMs + 5 * 365 * dayMs + dayMs;
    const later = await takeOwnStep(next, 'sign', at(afterOld));
    expect(readBundle(later.bundle).map(String)).toEqual([String(newer)]);
  });

  test.each([
    ['no key of its authority', { authorityKey: '' }],
    ['garbage for a key of its authority', { authorityKey: 'LOREM' }],
  ])('with %s goes on serving while a new authority becomes trusted', async (_, spoiled) => {
    const plan = planOwnCertificate({ ...own, ...spoiled }, at(madeMs));
    expect(plan).toEqual({ step: 'introduce', fault: undefined });
    const both = await takeOwnStep({ ...own, ...spoiled }, 'introduce', at(madeMs));
    expect(planOwnCertificate(both, at(madeMs + 60_000)).step).toBe('sign');
  });

  test.each([
    ['garbage', { cert: 'LOREM' }, 'expected a PEM certificate, got something else'],
    ['an empty key', { key: '' }, 'expected a PEM private key, got something else'],
  ])('that is %s is signed anew, with a clear reason', (_, spoiled, fault) => {
    expect(planOwnCertificate({ ...own, ...spoiled }, at(madeMs))).toEqual({ step: 'sign', fault });
  });

  test('whose key is that of another is signed anew', async () => {
    const other = await takeOwnStep(undefined, 'replace', at(madeMs));
    expect(planOwnCertificate({ ...own, key: other.key }, at(madeMs))).toEqual({
      step: 'sign',
      fault: 'expected the private key of the certificate, got another key',
    });
    expect(planOwnCertificate({ ...own, cert: other.cert, key: other.key }, at(madeMs)).fault).toBe(
      'expected a certificate signed by an authority in ca.crt, got one that is not',
    );
  });

  test('of which nothing is left is made anew, authority and all', () => {
    const nothing = { cert: '', key: '', bundle: '', authorityKey: '' };
    expect(planOwnCertificate(nothing, at(madeMs)).step).toBe('replace');
  });
});

test('the certificate names the host of the webhook URL, else the Service', () => {
  const service = { service: 'kuik', namespace: 'kuik-system' };
  const named = (url: string | undefined) => webhookNames({ ...service, url });
  expect(named(undefined)).toContain('kuik.kuik-system.svc');
  expect(named('https://127.0.0.1:9443')).toEqual(['127.0.0.1']);
  expect(named('https://[::1]:9443/base/')).toEqual(['::1']);
  expect(named('https://hooks.example.com/kuik')).toEqual(['hooks.example.com']);
});
