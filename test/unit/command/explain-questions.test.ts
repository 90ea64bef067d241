import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { questionsFromManifest } from '#command/explain-questions.ts';

/** The questions that a manifest comes to. */
function ask(content: string) {
  const directory = mkdtempSync(join(tmpdir(), 'kuik-manifest-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'pod.yaml');
  writeFileSync(file, content);
  return questionsFromManifest(file, 'given');
}

const subject = { labels: '', annotations: '', namespace: 'given', pullSecrets: '' };
const nothing = { ...subject, policy: 'IfNotPresent' };

describe('the questions of a manifest', () => {
  test('are its init containers, containers and image volumes, each with its pull policy', () => {
    const pod = {
      metadata: { namespace: 'own', labels: { a: 'b', c: 7 } },
      spec: {
        initContainers: [{ name: 'i', image: 'init:1', imagePullPolicy: 'Always' }],
        containers: [{ name: 'c', image: 'app:1' }],
        volumes: [
          { name: 'v', image: { reference: 'model:1', pullPolicy: 'Never' } },
          { name: 'w' },
        ],
      },
    };
    const common = { ...nothing, namespace: 'own', labels: 'a=b,c=7' };
    expect(ask(JSON.stringify(pod))).toEqual({
      ok: true,
      value: [
        { ...common, image: 'init:1', policy: 'Always' },
        { ...common, image: 'app:1' },
        { ...common, image: 'model:1', policy: 'Never' },
      ],
    });
  });

  test('have the pull policy that the API server sets where none is written', () => {
    const images = ['a:1', 'a', 'a:latest', `a@sha256:${'0'.repeat(64)}`, 'A B'];
    const containers = images.map((image, index) => ({ name: `c${index}`, image }));
    const volumes = [{ name: 'v', image: { reference: 'model' } }];
    const asked = ask(JSON.stringify({ spec: { containers, volumes } }));
    expect(asked.ok && asked.value.map(({ policy }) => policy)).toEqual([
      ...['IfNotPresent', 'Always', 'Always', 'IfNotPresent', 'IfNotPresent'],
      'Always',
    ]);
  });

  test("name the Pod's pull secrets", () => {
    const containers = [{ name: 'c', image: 'a:1' }];
    const imagePullSecrets = [{ name: 'one' }, { name: 'two' }];
    expect(ask(JSON.stringify({ spec: { containers, imagePullSecrets } }))).toMatchObject({
      value: [{ pullSecrets: 'one,two' }],
    });
  });

  test('keep commas and backslashes in annotations', () => {
    const annotations = { json: '{"a":1,"b":"\\n"}' };
    const pod = { metadata: { annotations }, spec: { containers: [{ name: 'c', image: 'a' }] } };
    expect(ask(JSON.stringify(pod))).toMatchObject({
      value: [{ annotations: String.raw`json={"a":1\,"b":"\\n"}` }],
    });
  });

  const template =
    'template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: a:1 }] } }';

  test.each([
    ['a Deployment', `metadata: { namespace: own }\nspec: { ${template} }`],
    ['a CronJob', `metadata: { namespace: own }\nspec: { jobTemplate: { spec: { ${template} } } }`],
    ['a List', `items: [{ metadata: { namespace: own }, spec: { ${template} } }]`],
    [
      'several documents',
      `kind: Service\n---\nmetadata: { namespace: own }\nspec: { ${template} }\n`,
    ],
  ])('are found in %s, in its own namespace', (_, content) => {
    expect(ask(content)).toEqual({
      ok: true,
      value: [{ ...nothing, namespace: 'own', labels: 'a=b', image: 'a:1' }],
    });
  });

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['text', 'just text'],
    ['a list', '[1, null]'],
    ['no container', 'spec: { containers: [] }'],
    ['a spec that is a number', 'spec: 7'],
    ['containers that are a text', 'spec: { containers: app }'],
    ['a template that is null', 'spec: { template: null }'],
    ['a container that is null', 'spec: { containers: [null] }'],
  ])('are none in a manifest with %s', (_, content) => {
    expect(ask(content)).toMatchObject({
      error: expect.stringMatching(/name an image, found none$/),
    });
  });

  test.each([
    ['is no YAML', 'a: [1', /expected a Pod manifest in .*pod\.yaml: .* at line 1/],
    ['is no YAML in its second document', 'a: 1\n---\na: [1', /expected a Pod manifest/],
  ])('are refused where the file %s', (_, content, message) => {
    expect(ask(content)).toMatchObject({ error: expect.stringMatching(message) });
  });

  test('are refused where there is no file', () => {
    expect(questionsFromManifest('/nowhere/pod.yaml', 'a')).toMatchObject({
      error: expect.stringMatching(/^expected a Pod manifest in \/nowhere\/pod.yaml: ENOENT/),
    });
  });
});
