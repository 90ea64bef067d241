import { randomBytes } from 'node:crypto';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import {
  type RegistryOptions,
  startRegistry,
  type TestRegistry,
} from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { images, resources, standbySecret } from './cast.ts';
import type { Curtain } from './curtain.ts';
import type { Page } from './page.ts';

const standbyUser = 'kuik';
/** Enough to be seen while it is copied. */
const largeLayerBytes = 24 * 1024 * 1024;

/** Everything that runs while the story is told; all of it is real. */
export interface Stage {
  readonly plane: ControlPlane;
  readonly namespace: string;
  /** The registry that the Pods name; the one that is stopped. */
  readonly main: TestRegistry;
  /** The registry that holds the same images. */
  readonly standby: TestRegistry;
  readonly operator: OperatorProcess;
}

/** Starts the parts one after the other and tells the page; each is added to the curtain. */
export async function setStage(page: Page, curtain: Curtain): Promise<Stage> {
  const plane = await startPlane(page, curtain);
  const { main, standby } = await startRegistries(page, curtain);
  const operator = await startTheOperator(page, curtain, plane);
  const namespace = await createNamespace(plane.admin, 'demo');
  return { plane, namespace, main, standby, operator };
}

/** Creates the two resources and waits until the operator routes by them. */
export async function declare(page: Page, stage: Stage): Promise<void> {
  const done = page.step('Two resources say what is equal');
  const { admin } = stage.plane;
  const { namespace } = stage.operator;
  await admin.create(`/api/v1/namespaces/${namespace}/secrets`, secretOf(stage));
  for (const { path, object } of resources(stage, namespace)) await admin.create(path, object);
  for (const name of images.declared) await hasAlternative(stage, `${stage.main.host}/${name}`);
  done();
}

async function startPlane(page: Page, curtain: Curtain): Promise<ControlPlane> {
  const done = page.step('A control plane: etcd and kube-apiserver');
  const plane = await startControlPlane({ controllers: false });
  curtain.add(plane.stop, plane.stop);
  done();
  page.detail('API server', plane.server);
  return plane;
}

async function startRegistries(
  page: Page,
  curtain: Curtain,
): Promise<Pick<Stage, 'main' | 'standby'>> {
  const done = page.step('Two registries with real images');
  const start = async (options: RegistryOptions = {}) => {
    const registry = await startRegistry(options);
    curtain.add(registry.remove, registry.remove);
    return registry;
  };
  const [main, standby] = await Promise.all([start(), start({ users: [standbyUser] })]);
  const layer = randomBytes(largeLayerBytes);
  for (const name of images.main) {
    await pushImage(main, name, name === images.large ? { layer } : {});
  }
  for (const name of images.standby) await pushImage(standby, name);
  done();
  page.detail('main', `${main.host}: ${images.main.join(', ')}`);
  page.detail('standby', `${standby.host}: ${images.standby.join(', ')}; it asks who pulls`);
  page.calls(main.host, 'main');
  page.calls(standby.host, 'standby');
  return { main, standby };
}

async function startTheOperator(
  page: Page,
  curtain: Curtain,
  plane: ControlPlane,
): Promise<OperatorProcess> {
  const done = page.step('The operator, under the rights it ships with');
  // By default 25 images are checked each three hours; nobody watches a demo for so long.
  const config = { monitoring: { registries: { default: { interval: '1s', maxPerInterval: 5 } } } };
  const operator = await startOperator({ adminKubeconfig: plane.adminKubeconfig, config });
  curtain.add(operator.stop, operator.kill);
  done();
  page.detail('process', `${operator.pid}, webhook at ${operator.webhookUrl}`);
  page.detail('page', `${operator.debugUrl}/debug/ shows all that follows`);
  return operator;
}

/** The Secret that the resources name, as `kubectl create secret docker-registry` makes it. */
function secretOf({ standby }: Stage): object {
  const auths = { [standby.host]: { username: standbyUser, password: registryPassword } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: standbySecret },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
  };
}

/** Asks the operator as `kuik explain` does; nothing is changed by asking. */
async function hasAlternative(stage: Stage, image: string): Promise<void> {
  const query = new URLSearchParams({ image, namespace: stage.namespace });
  await untilReady(`the operator knows an alternative to ${image}`, async () => {
    const answer = await fetch(`${stage.operator.debugUrl}/debug/route?${query}`);
    const { candidates } = (await answer.json()) as { candidates: unknown[] };
    return candidates.length > 1;
  });
}
