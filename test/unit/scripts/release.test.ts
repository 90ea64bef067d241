import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { unpackTar } from 'modern-tar';
import { expect, onTestFinished, test } from 'vitest';
import { version } from '#core/version.ts';
import { blobPath, readLayoutTop } from '#scripts/image/layout.ts';
import { shippedPackages } from '#scripts/image/shipped-packages.ts';
import { readAudit } from '#scripts/release/audit.ts';
import { billOfMaterials } from '#scripts/release/bill-of-materials.ts';
import { buildChartArtifact, chartTag } from '#scripts/release/chart-artifact.ts';
import { checksums } from '#scripts/release/checksums.ts';
import { provenanceStatement } from '#scripts/release/provenance.ts';
import { changelogSection, releaseVersions } from '#scripts/release/release-versions.ts';
import {
  binary,
  kubernetesDefault,
  kubernetesModules,
} from '#test/support/binaries/binary-source.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

function freshDirectory(files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'kuik-release-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

test('the bill of materials is CycloneDX 1.6 by its own schema', () => {
  const schemas = join(root, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
  const schema = (name: string) =>
    JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(schema('spdx'), 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json');
  ajv.addSchema(schema('jsf-0.82'), 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json');
  const isValid = ajv.compile(schema('bom-1.6'));
  isValid(JSON.parse(billOfMaterials(root)));
  expect(isValid.errors).toBeNull();
});

test('the bill of materials lists what the image holds, each with its checksum, and is the same again', () => {
  const text = billOfMaterials(root);
  expect(billOfMaterials(root)).toBe(text);
  const { components, dependencies, metadata } = JSON.parse(text);
  const refs = components.map((one: { 'bom-ref': string }) => one['bom-ref']);
  const { packages, direct } = shippedPackages(root);
  for (const { path } of packages) expect(refs).toContain(path);
  expect(refs).toHaveLength(packages.length + 2 * (1 + 4));
  expect(components.filter((one: { hashes?: object[] }) => one.hashes === undefined)).toEqual([]);
  const kuik = dependencies.find((one: { ref: string }) => one.ref === 'kuik');
  expect(kuik.dependsOn).toEqual(expect.arrayContaining([...direct]));
  expect(metadata.component).toMatchObject({ name: 'kuik', version });
});

test('the bill of an image on another base names that, and no package of Debian', () => {
  const { components } = JSON.parse(billOfMaterials(root, { base: 'gcr.io/distroless/cc:1' }));
  const names = components.map((one: { name: string }) => one.name);
  expect(names).toContain('gcr.io/distroless/cc:1');
  expect(names).not.toContain('libc6');
});

const chart = {
  'chart/Chart.yaml':
    'apiVersion: v2\nname: kuik\nversion: 1.2.3+b1\nappVersion: 1.2.3\ndescription: d\n',
  'chart/templates/a.yaml': 'kind: A\n',
};

test('the chart becomes the artifact that Helm stores: its archive, its description, its types', async () => {
  const directory = freshDirectory(chart);
  const layout = join(directory, 'oci');
  const built = await buildChartArtifact(join(directory, 'chart'), layout);
  expect(built.fileName).toBe('kuik-1.2.3+b1.tgz');
  const files = await unpackTar(gunzipSync(built.archive));
  const names = files.flatMap(({ header }) => (header.type === 'file' ? [header.name] : []));
  expect(names).toEqual(['kuik/Chart.yaml', 'kuik/templates/a.yaml']);
  const top = await readLayoutTop(layout);
  const manifest = JSON.parse(readFileSync(blobPath(layout, top.digest), 'utf8'));
  expect(manifest.config.mediaType).toBe('application/vnd.cncf.helm.config.v1+json');
  expect(manifest.layers.map((one: { mediaType: string }) => one.mediaType)).toEqual([
    'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  ]);
  expect(readFileSync(blobPath(layout, manifest.layers[0].digest)).equals(built.archive)).toBe(
    true,
  );
  const config = JSON.parse(readFileSync(blobPath(layout, manifest.config.digest), 'utf8'));
  expect(config).toMatchObject({ name: 'kuik', version: '1.2.3+b1' });
  expect(chartTag('1.2.3+b1')).toBe('1.2.3_b1');
  const again = await buildChartArtifact(join(directory, 'chart'), join(directory, 'again'));
  expect(again.manifest).toEqual(built.manifest);
});

const agreeing = {
  'package.json': '{ "version": "1.2.3" }',
  'package-lock.json': '{ "version": "1.2.3", "packages": { "": { "version": "1.2.3" } } }',
  'chart/Chart.yaml': 'name: kuik\nversion: 1.2.3\nappVersion: 1.2.3\n',
  'CHANGELOG.md':
    '# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-12-01\n\n- It works.\n\n## 1.2.2\n\n- Old.\n',
};

test('a release whose places agree has nothing in its way, and its section of the changelog as notes', () => {
  const versions = releaseVersions(freshDirectory(agreeing));
  expect(versions).toEqual({ version: '1.2.3', notes: '- It works.', problems: [] });
});

test('every place that names another version is said, and a changelog that is silent', () => {
  const changed = {
    ...agreeing,
    'package-lock.json': '{ "version": "1.2.2", "packages": { "": { "version": "1.2.3" } } }',
    'chart/Chart.yaml': 'name: kuik\nversion: 1.2.3\nappVersion: 1.2.1\n',
    'CHANGELOG.md': '## Unreleased\n\n- Soon.\n',
  };
  expect(releaseVersions(freshDirectory(changed))).toEqual({
    version: '1.2.3',
    notes: '- Soon.',
    problems: [
      'package-lock.json: expected 1.2.3 as in package.json, got 1.2.2',
      'chart/Chart.yaml, appVersion: expected 1.2.3 as in package.json, got 1.2.1',
      'CHANGELOG.md: expected a section "## 1.2.3", got none',
    ],
  });
  expect(changelogSection('## 1.0.0\n', '1.0.0')).toBe('');
});

test('the versions of this repository agree: only its changelog may wait for a release', () => {
  const { problems } = releaseVersions(root);
  expect(problems.filter((problem) => !problem.startsWith('CHANGELOG.md'))).toEqual([]);
});

test('an audit that nobody answers is skipped, and never taken for a clean one', () => {
  const refused =
    '{ "message": "405 Method Not Allowed - POST https://registry/\\nmore", "error": {} }';
  expect(readAudit(refused, '')).toEqual({
    kind: 'skipped',
    why: '405 Method Not Allowed - POST https://registry/',
  });
  expect(readAudit('', 'spawn npm ENOENT')).toEqual({ kind: 'skipped', why: 'spawn npm ENOENT' });
  expect(readAudit('{ "vulnerabilities": {} }', '')).toEqual({ kind: 'clean' });
  const found = '{ "vulnerabilities": { "b": {}, "a": {} } }';
  expect(readAudit(found, '')).toEqual({ kind: 'vulnerable', packages: ['a', 'b'] });
});

test('the provenance statement names what was made, from which commit, and with what', () => {
  const statement = provenanceStatement([{ name: 'kuik', digest: 'sha256:ab' }], {
    root,
    version: '1.2.3',
    base: 'debian',
    revision: { commit: 'c0ffee', seconds: 0, isModified: false },
    builder: 'https://example.com/builder',
  });
  expect(statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [{ name: 'kuik', digest: { sha256: 'ab' } }],
    predicate: {
      buildDefinition: {
        externalParameters: { version: '1.2.3', platforms: ['linux/amd64', 'linux/arm64'] },
        resolvedDependencies: expect.arrayContaining([
          { uri: 'git+file:.', digest: { gitCommit: 'c0ffee' } },
        ]),
      },
      runDetails: { builder: { id: 'https://example.com/builder' } },
    },
  });
});

test('checksums list every file but themselves, as sha256sum reads them', () => {
  const directory = freshDirectory({ 'b/c': '', a: 'a', SHA256SUMS: 'old' });
  expect(checksums(directory)).toBe(
    [
      'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a',
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b/c',
      '',
    ].join('\n'),
  );
});

test('the documents name the versions of Kubernetes that tests run on, and the oldest that the chart takes', () => {
  const page = read('docs/releases.md');
  const pinned = Object.entries(kubernetesModules).map(([minor, module]) => {
    const [, found = ''] =
      /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(module, 'go.mod'), 'utf8')) ?? [];
    expect(found).toContain(`v${minor}.`);
    return found;
  });
  expect(pinned.length).toBeGreaterThan(1);
  for (const one of pinned) expect(page).toContain(`| ${one.slice(1)} |`);
  expect(Object.keys(kubernetesModules)).toContain(kubernetesDefault);
  const [, oldest = ''] = /kubeVersion: ">=(\d+\.\d+)/.exec(read('chart/Chart.yaml')) ?? [];
  expect(page).toContain(`Kubernetes ${oldest} or newer`);
});

test('tests run on the version of Kubernetes that is asked for, and on no other than those known', () => {
  const before = process.env['KUIK_TEST_KUBERNETES'];
  onTestFinished(() => {
    if (before === undefined) delete process.env['KUIK_TEST_KUBERNETES'];
    else process.env['KUIK_TEST_KUBERNETES'] = before;
  });
  for (const minor of Object.keys(kubernetesModules)) {
    process.env['KUIK_TEST_KUBERNETES'] = minor;
    expect(binary('kube-apiserver').version).toContain(`v${minor}.`);
    expect(binary('etcd').version).toMatch(/^v3/);
  }
  process.env['KUIK_TEST_KUBERNETES'] = '1.2';
  expect(() => binary('kube-apiserver')).toThrow('expected 1.34 or 1.37, got 1.2');
});
