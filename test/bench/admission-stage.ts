import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Api } from '#test/support/api-server/api.ts';
import { startControlPlane } from '#test/support/api-server/control-plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { webhookAuthority } from '#test/support/operator/webhook-client.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { startFullBacklog, startSilentHost } from '#test/support/registries/black-hole.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { nextRegistryPort } from '#test/support/registries/registry-ports.ts';
import {
  type CertificateAuthority,
  makeAuthority,
  type ServerCertificate,
} from '#test/support/registries/tls.ts';
import type { BenchHosts } from './admission-resources.ts';
import { cores, pin } from './cores.ts';

/** A control plane, the shipped process on a core of its own, and the registries of a bench. */
export interface BenchStage {
  /** Who may do everything. */
  readonly admin: Api;
  readonly operator: OperatorProcess;
  /** What the operator's webhook certificate is signed by. */
  readonly authorityPem: string;
  readonly certificate: ServerCertificate & { readonly authorityPem: string };
  readonly close: () => Promise<void>;
}

/** What a stage holds besides. */
export interface BenchStageOptions {
  readonly tls: BenchTls;
  /** Declared before the operator starts, so that it is there when that is ready. */
  readonly resources: readonly object[];
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether all may run on any core, as where what is beside the operator is what is measured. */
  readonly onAnyCore?: boolean;
}

/** A certificate for every registry, and the file by which the operator trusts it. */
export interface BenchTls {
  readonly certificate: ServerCertificate & { readonly authorityPem: string };
  readonly authorityFile: string;
  readonly directory: TemporaryDirectory;
}

/** Makes the certificate of all registries of a bench, by the authority that is trusted. */
export async function makeBenchTls(by?: CertificateAuthority): Promise<BenchTls> {
  const authority = by ?? (await makeAuthority());
  const certificate = { ...(await authority.issue()), authorityPem: authority.pem };
  const directory = temporaryDirectory('bench');
  const authorityFile = join(directory.path, 'authority.pem');
  writeFileSync(authorityFile, authority.pem);
  return { certificate, authorityFile, directory };
}

/** Starts the control plane and the operator; everything but the operator on the other core. */
export async function setBenchStage(options: BenchStageOptions): Promise<BenchStage> {
  const { tls, resources, flags = [], env = {}, onAnyCore = false } = options;
  const keep = onAnyCore ? () => {} : pin;
  keep(process.pid, cores.measuring);
  const plane = await startControlPlane();
  for (const { pid } of plane.children) keep(pid, cores.measuring);
  for (const resource of resources) await declare(plane.admin, resource);
  const operator = await startOperator({
    adminKubeconfig: plane.adminKubeconfig,
    // What is shipped, not the level that tests log at.
    flags: ['--log-level=info', ...flags],
    env: { NODE_EXTRA_CA_CERTS: tls.authorityFile, ...env },
  });
  keep(operator.pid, cores.measured);
  return {
    operator,
    admin: plane.admin,
    authorityPem: await webhookAuthority(plane.admin, operator.release),
    certificate: tls.certificate,
    close: async () => {
      await operator.stop();
      await plane.stop();
      tls.directory.remove();
    },
  };
}

/** The registries of `admission`, twenty in all: fourteen that answer and six that do not. */
export interface AdmissionRegistries {
  readonly live: readonly LightRegistry[];
  readonly hosts: BenchHosts;
  readonly close: () => Promise<void>;
}

/** Registries that answer. */
const liveCount = 14;
/** Of each kind of dead host one for each delay. */
const deadOfEachKind = 2;

/** Where a kind of dead host begins among `hosts.dead`: one for each delay. */
export const deadPlaces = {
  refusing: 0,
  silent: deadOfEachKind,
  full: 2 * deadOfEachKind,
} as const;

/** Starts them in this process. */
export async function startAdmissionRegistries(tls: BenchTls): Promise<AdmissionRegistries> {
  const live: LightRegistry[] = [];
  for (let index = 0; index < liveCount; index += 1) {
    live.push(await startLightRegistry(tls.certificate));
  }
  const refusing = Array.from({ length: deadOfEachKind }, nextRegistryPort);
  const silent = [await startSilentHost(), await startSilentHost()];
  const full = [await startFullBacklog(), await startFullBacklog()];
  const hosts = {
    live: live.map(({ host }) => host),
    dead: [
      ...refusing.map((port) => `127.0.0.1:${port}`),
      ...[...silent, ...full].map(({ host }) => host),
    ],
  };
  return {
    live,
    hosts,
    close: async () => {
      for (const registry of [...live, ...silent, ...full]) await registry.close();
    },
  };
}

const plurals: Readonly<Record<string, string>> = {
  ClusterReplicatedImageSet: 'clusterreplicatedimagesets',
  ReplicatedImageSet: 'replicatedimagesets',
  ClusterImageSetMirror: 'clusterimagesetmirrors',
  ImageSetMirror: 'imagesetmirrors',
  ClusterImageSetAvailability: 'clusterimagesetavailabilities',
};

async function declare(admin: Api, resource: object): Promise<void> {
  const { kind, metadata } = resource as {
    kind: string;
    metadata: { name: string; namespace?: string };
  };
  const { name, namespace } = metadata;
  const base = '/apis/kuik.enix.io/v1alpha1';
  const place = namespace === undefined ? base : `${base}/namespaces/${namespace}`;
  const object = { ...resource, metadata: { name, ...(namespace !== undefined && { namespace }) } };
  await admin.create(`${place}/${plurals[kind]}`, object);
}
