import { errors } from 'undici';
import { describe, expect, test } from 'vitest';
import { ForbiddenError } from '#oci/addresses.ts';
import { ConnectError } from '#oci/dispatchers.ts';
import { ProtocolError, spokeNoTls, translateAnswer, translateError } from '#oci/errors.ts';
import { NameError } from '#oci/names.ts';

const withCode = (code: string) => Object.assign(new Error('secret detail'), { code });
const inConnect = (code: string) => new ConnectError('no', { cause: withCode(code) });

describe('an error of the connection', () => {
  test.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['ECONNREFUSED', 'refused'],
    ['EHOSTUNREACH', 'refused'],
    ['ENETUNREACH', 'refused'],
    ['ECONNRESET', 'reset'],
    ['UND_ERR_SOCKET', 'reset'],
    ['EPIPE', 'reset'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
    ['ETIMEDOUT', 'timeout'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
    ['EPROTO', 'tls'],
  ])('%s is %s, while connecting and later', (code, cause) => {
    for (const error of [withCode(code), inConnect(code)]) {
      expect(translateError(error, 'registry.example.com')).toEqual({
        kind: 'connection',
        cause,
        message: expect.stringMatching(`^registry.example.com: .*\\(${code}\\)$`),
      });
    }
  });

  test('that breaks the protocol or our own rules says so', () => {
    expect(translateError(withCode('UND_ERR_HEADERS_OVERFLOW'), 'h')).toMatchObject({
      kind: 'protocol',
    });
    expect(translateError(withCode('HPE_INVALID_CONSTANT'), 'h')).toMatchObject({
      kind: 'protocol',
    });
    // What the parser has no code for.
    expect(translateError(new errors.HTTPParserError('Missing expected CR'), 'h')).toMatchObject({
      kind: 'protocol',
    });
    expect(translateError(new ProtocolError('expected a, got b'), 'h')).toEqual({
      kind: 'protocol',
      message: 'h: expected a, got b',
    });
    expect(translateError(new ForbiddenError('no'), 'h')).toMatchObject({ cause: 'forbidden' });
  });

  test('that is a bug is thrown on', () => {
    const bug = new TypeError('undefined is not a function');
    expect(() => translateError(bug, 'h')).toThrow(bug);
  });
});

describe('a server without TLS', () => {
  test.each([
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'EPROTO',
    'ECONNRESET',
  ])('is told by %s while connecting', (code) => {
    expect(spokeNoTls(inConnect(code))).toBe(true);
    expect(spokeNoTls(withCode(code))).toBe(false);
  });

  test.each([
    'CERT_HAS_EXPIRED',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ECONNREFUSED',
    'ETIMEDOUT',
  ])('is not told by %s', (code) => {
    expect(spokeNoTls(inConnect(code))).toBe(false);
  });
});

test('an answer says who was asked for what, what came, and until when to wait', () => {
  const answer = {
    status: 429,
    headers: { 'retry-after': '5', 'ratelimit-reset': '60', 'ratelimit-remaining': '0' },
    body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow\\ndown"}]}',
  };
  expect(translateAnswer(answer, 'HEAD docker.io/library/nginx:1', 1_000)).toEqual({
    kind: 'answer',
    status: 429,
    message: 'HEAD docker.io/library/nginx:1: expected 200, got 429 (TOOMANYREQUESTS: slow)',
    retryAtMs: 6_000,
    quotaRemaining: 0,
  });
});

test('a name that does not resolve is told, where it is not the registry\u2019s own', () => {
  const error = new ConnectError('no', { cause: new NameError('auth.example.com', 'EAI_AGAIN') });
  expect(translateError(error, 'registry.example.com')).toEqual({
    kind: 'connection',
    cause: 'dns',
    message: 'registry.example.com: auth.example.com does not resolve (EAI_AGAIN)',
  });
  expect(translateError(error, 'auth.example.com:5000')).toMatchObject({
    message: 'auth.example.com:5000: its name does not resolve (EAI_AGAIN)',
  });
});

test('of another host than the registry nothing is told but its status', () => {
  const body = '{"errors":[{"code":"SECRET","message":"of the inner host"}]}';
  const answer = { status: 403, headers: {}, body, foreign: true };
  expect(translateAnswer(answer, 'HEAD a', 0).message).toBe('HEAD a: expected 200, got 403');
});

test('a registry\u2019s words are shown on one line, without what is invisible', () => {
  const message = `no\u2028way\u202e${'x'.repeat(500)}`;
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message }] });
  const shown = translateAnswer({ status: 403, headers: {}, body }, 'a', 0).message;
  expect(shown).toMatch(/^a: expected 200, got 403 \(DENIED: no way x+…\)$/);
  expect(shown.length).toBeLessThan(200);
});
