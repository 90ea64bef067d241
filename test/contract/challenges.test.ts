import { expect } from 'vitest';
import { probeImage } from '#actors/registries/probe-image.ts';
import { parseChallenges } from '#core/challenge.ts';
import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { ProbeMethod } from '#core/probe.ts';
import { fail, type Result } from '#core/result.ts';
import type { ManifestAnswer, ManifestRequest } from '#oci/client.ts';
import type { OciFailure } from '#oci/errors.ts';
import { readManifestAnswer } from '#oci/manifests.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Given {
  readonly wwwAuthenticate?: readonly string[];
  readonly method?: ProbeMethod;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answersByMethod?: Readonly<Partial<Record<ProbeMethod, Answer>>>;
  readonly answersByCredential?: readonly number[];
  readonly failure?: Extract<OciFailure, { kind: 'connection' }>['cause'];
  readonly digestHeader?: boolean;
  readonly resolveDigest?: boolean;
  readonly digestStatus?: number;
  readonly digestHeaders?: Readonly<Record<string, string>>;
}

interface Expected {
  readonly challenges?: readonly object[];
  readonly status?: string;
}

const reference: ImageReference = { registry: 'registry.example.com', path: 'team/app', tag: '1' };
const digest = `sha256:${'a'.repeat(64)}`;

describeVectors<Given, Expected>('challenges.yaml', async (given, expected) => {
  if (given.wwwAuthenticate !== undefined) {
    expect(parseChallenges(given.wwwAuthenticate)).toEqual(expected.challenges);
    return;
  }
  const credentials = (given.answersByCredential ?? []).map(
    (_, index): Credential => ({ source: `${index}`, username: `${index}`, password: '' }),
  );
  const outcome = await probeImage(
    {
      client: { manifest: async (request) => answerTo(request, given) },
      reference,
      method: given.method ?? 'HEAD',
      credentials,
      resolveDigest: given.resolveDigest ?? false,
      timeoutMs: 0,
      clock: { after: atOnce },
    },
    new AbortController().signal,
  );
  expect(outcome.kind).toBe(expected.status);
});

function atOnce(_delayMs: number, callback: () => void): () => void {
  queueMicrotask(callback);
  return () => undefined;
}

/** The registry of one case, up to where an answer gets its meaning. */
function answerTo(request: ManifestRequest, given: Given): Result<ManifestAnswer, OciFailure> {
  if (given.failure !== undefined) {
    return fail({ kind: 'connection', cause: given.failure, message: given.failure });
  }
  const answer = chooseAnswer(request, given);
  const digestHeader = given.digestHeader === false ? {} : { 'docker-content-digest': digest };
  const headers = Object.entries({ ...digestHeader, ...answer.headers }).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const { method } = request;
  return readManifestAnswer(
    {
      ...{ method, reference: request.reference, body: '' },
      status: answer.status,
      headers: Object.fromEntries(headers),
    },
    0,
  );
}

function chooseAnswer({ reference: asked, method, credential }: ManifestRequest, given: Given) {
  if (asked.digest !== undefined) {
    return withHeaders(given.digestStatus ?? given.status, given.digestHeaders);
  }
  const byMethod = given.answersByMethod?.[method];
  if (byMethod !== undefined) return byMethod;
  return withHeaders(
    given.answersByCredential?.[Number(credential?.source)] ?? given.status,
    given.headers,
  );
}

function withHeaders(status: number | undefined, headers: Answer['headers']): Answer {
  if (status === undefined) throw new Error('The case does not say what this request gets.');
  return { status, ...(headers !== undefined && { headers }) };
}
