import { expect } from 'vitest';
import { findCredentials, openSecret } from '#core/credentials.ts';
import { parseReference } from '#core/image/reference.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

interface Given {
  readonly secrets: readonly {
    readonly type: string;
    readonly stringData: Record<string, string>;
  }[];
  readonly image: string;
}

interface Expected {
  readonly usernames: readonly string[];
  readonly passwords: readonly string[];
  readonly warning?: true;
}

describeVectors<Given, Expected>('credentials.yaml', ({ secrets, image }, expected) => {
  const reference = parseReference(image);
  if (!reference.ok) throw new Error(reference.error.message);
  const views = secrets.map(({ type, stringData }, index) => ({
    namespace: 'default',
    name: `secret-${index}`,
    type,
    data: stringData,
  }));
  const opened = views.map(openSecret);
  const credentials = findCredentials(opened, reference.value);
  const warnings = opened.flatMap((secret) => secret.warnings);
  expect({
    usernames: credentials.map(({ username }) => username),
    passwords: credentials.map(({ password }) => password),
    ...(warnings.length > 0 && { warning: true }),
  }).toEqual(expected);
});
