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
        {
          query: { ...common, image: 'init:1', policy: 'Always' },
          about: 'Pod in own, init container i',
        },
        { query: { ...common, image: 'app:1' }, about: 'Pod in own, container c' },
        {
          query: { ...common, image: 'model:1', policy: 'Never' },
          about: 'Pod in own, volume v',
        },
      ],
    });
  });

  test('have the pull policy that the API server sets where none is written', () => {
    const images = ['a:1', 'a', 'a:latest', `a@sha256:${'0'.repeat(64)}`, 'A B'];
    const containers = images.map((image, index) => ({ name: `c${index}`, image }));
    const volumes = [{ name: 'v', image: { reference: 'model' } }];
    const asked = ask(JSON.stringify({ spec: { containers, volumes } }));
    expect(asked.ok && asked.value.map(({ query }) => query.policy)).toEqual([
      ...['IfNotPresent', 'Always', 'Always', 'IfNotPresent', 'IfNotPresent'],
      'Always',
    ]);
  });

  test("name the Pod's pull secrets", () => {
    const containers = [{ name: 'c', image: 'a:1' }];
    const imagePullSecrets = [{ name: 'one' }, { name: 'two' }];
    expect(ask(JSON.stringify({ spec: { containers, imagePullSecrets } }))).toMatchObject({
      value: [{ query: { pullSecrets: 'one,two' } }],
    });
  });

  test('keep commas and backslashes in annotations', () => {
    const annotations = { json: '{"a":1,"b":"\\n"}' };
    const pod = { metadata: { annotations }, spec: { containers: [{ name: 'c', image: 'a' }] } };
    expect(ask(JSON.stringify(pod))).toMatchObject({
      value: [{ query: { annotations: String.raw`json={"a":1\,"b":"\\n"}` } }],
    });
  });

  test('of a live Pod that was rewritten are about what a new one would come with', () => {
    const annotations = {
      'kuik.enix.io/original-images': '{"app":"docker.io/a:1"}',
      'kuik.enix.io/rewritten-by': '{"app":"ClusterReplicatedImageSet/a"}',
      'kuik.enix.io/reason': '{"app":"OriginalUnreachable"}',
      'example.com/kept': 'yes',
    };
    const containers = [
      { name: 'app', image: 'quay.io/a:1' },
      { name: 'log', image: 'b:1' },
    ];
    const metadata = { name: 'web-1', namespace: 'shop', annotations };
    expect(ask(JSON.stringify({ kind: 'Pod', metadata, spec: { containers } }))).toMatchObject({
      value: [
        {
          query: { image: 'docker.io/a:1', annotations: 'example.com/kept=yes' },
          about: 'Pod web-1 in shop, container app',
          admitted: {
            ...{ original: 'docker.io/a:1', image: 'quay.io/a:1' },
            ...{ by: 'ClusterReplicatedImageSet/a', reason: 'OriginalUnreachable' },
          },
        },
        { query: { image: 'b:1' }, about: 'Pod web-1 in shop, container log' },
      ],
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
    expect(ask(content)).toMatchObject({
      ok: true,
      value: [{ query: { ...nothing, namespace: 'own', labels: 'a=b', image: 'a:1' } }],
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
