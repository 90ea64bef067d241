import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import { version } from '#core/version.ts';
import { type Architecture, architectures } from '#scripts/image/image-runtime.ts';
import { type DebianPackage, readPins } from '#scripts/image/pins.ts';
import { type ShippedPackage, shippedPackages } from '#scripts/image/shipped-packages.ts';

/**
 * What the image is made of, as CycloneDX 1.6 in JSON: kuik's packages with what they ask for, Node,
 * and the packages of Debian. It comes from what is pinned, so it needs no network, and the same
 * sources have the same.
 */
export function billOfMaterials(
  root: string,
  { createdSeconds = 0, base = 'debian' }: BillOptions = {},
): string {
  const bom = new Models.Bom();
  const kuik = new Models.Component(Enums.ComponentType.Application, 'kuik', {
    version,
    bomRef: 'kuik',
    purl: purlOf('npm', 'kuik', version),
  });
  kuik.licenses.add(new Models.SpdxLicense('Apache-2.0'));
  bom.metadata.component = kuik;
  bom.metadata.timestamp = new Date(createdSeconds * 1000);
  for (const component of [...packageComponents(root, kuik), ...systemComponents(kuik, base)]) {
    bom.components.add(component);
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const serializer = new Serialize.JsonSerializer(factory);
  bom.serialNumber = serialOf(serializer.serialize(bom, { sortLists: true }));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** What the bill is of. */
export interface BillOptions {
  /** In seconds since the epoch. */
  readonly createdSeconds?: number;
  /** What the image stands on: what Debian's packages are is known, another image is only named. */
  readonly base?: string;
}

function packageComponents(root: string, kuik: Models.Component): Models.Component[] {
  const { packages, direct } = shippedPackages(root);
  const byPath = new Map(packages.map((one) => [one.path, packageComponent(one)]));
  const refOf = (path: string): Models.BomRef => {
    const component = byPath.get(path);
    if (component === undefined) throw new Error(`Expected ${path} among the shipped packages.`);
    return component.bomRef;
  };
  for (const path of direct) kuik.dependencies.add(refOf(path));
  for (const { path, dependencies } of packages) {
    for (const wanted of dependencies) byPath.get(path)?.dependencies.add(refOf(wanted));
  }
  return [...byPath.values()];
}

function packageComponent(one: ShippedPackage): Models.Component {
  const { path, name, license, integrity } = one;
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    version: one.version,
    bomRef: path,
    purl: purlOf('npm', name, one.version),
    scope: Enums.ComponentScope.Required,
  });
  component.hashes.set(Enums.HashAlgorithm['SHA-512'], hexOf(integrity));
  if (license !== undefined) component.licenses.add(licenseOf(license));
  return component;
}

function systemComponents(kuik: Models.Component, base: string): Models.Component[] {
  return architectures.flatMap((architecture) => {
    const runtime = nodeComponent(architecture);
    kuik.dependencies.add(runtime.bomRef);
    const below = baseComponents(base, architecture);
    for (const { bomRef } of below) runtime.dependencies.add(bomRef);
    return [runtime, ...below];
  });
}

function nodeComponent(architecture: Architecture): Models.Component {
  const { version: nodeVersion, packages } = readPins().node;
  const { name, integrity } = packages[architecture];
  const runtime = new Models.Component(Enums.ComponentType.Platform, name, {
    version: nodeVersion,
    bomRef: `node/${architecture}`,
    purl: purlOf('npm', name, nodeVersion),
  });
  runtime.hashes.set(Enums.HashAlgorithm['SHA-512'], hexOf(integrity));
  runtime.licenses.add(new Models.SpdxLicense('MIT'));
  return runtime;
}

function baseComponents(base: string, architecture: Architecture): Models.Component[] {
  const { packages, version: release } = readPins().debian;
  if (base === 'debian') {
    return packages[architecture].map((one) => debianComponent(one, architecture, release));
  }
  const bomRef = `base/${architecture}`;
  return [new Models.Component(Enums.ComponentType.Container, base, { bomRef })];
}

function debianComponent(
  { name, version: packageVersion, sha256 }: DebianPackage,
  architecture: string,
  release: string,
): Models.Component {
  const qualifiers = `?arch=${architecture}&distro=debian-${release}`;
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    version: packageVersion,
    bomRef: `debian/${architecture}/${name}`,
    purl: `${purlOf('deb/debian', name, packageVersion)}${qualifiers}`,
  });
  component.hashes.set(Enums.HashAlgorithm['SHA-256'], sha256);
  return component;
}

function purlOf(type: string, name: string, packageVersion: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `pkg:${type}/${path}@${encodeURIComponent(packageVersion)}`;
}

function licenseOf(license: string): Models.License {
  if (SPDX.isSupportedSpdxId(license)) return new Models.SpdxLicense(license);
  if (/ (AND|OR|WITH) /.test(license)) return new Models.LicenseExpression(license);
  return new Models.NamedLicense(license);
}

/** From npm's base64 to the hex digits of CycloneDX. */
function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}

/** A UUID of version 8 (RFC 9562): made from what is in it, so that the same has the same. */
function serialOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}
