import { type FaultRegistry, startFaultRegistry } from './fault-registry.ts';
import { refusedWith } from './fault-rules.ts';
import { pushImage } from './images.ts';
import { startRegistry, type TestRegistry } from './registry.ts';

/** Registries to which everything happens that is told of registries; `team/app:1` is on the first. */
export interface BusyRegistries {
  readonly open: TestRegistry;
  /** For copies. */
  readonly mirror: TestRegistry;
  /** Refuses connections. */
  readonly down: FaultRegistry;
  /** Says that five of a hundred pulls are left. */
  readonly scarce: FaultRegistry;
  /** Says that none are left. */
  readonly throttled: FaultRegistry;
  /** Has nothing for anybody who asks. */
  readonly nodes: FaultRegistry;
}

/** Starts all of them. */
export async function startBusyRegistries(): Promise<BusyRegistries> {
  const [open, mirror] = await Promise.all([startRegistry(), startRegistry()]);
  await pushImage(open, 'team/app:1');
  const [down, scarce, throttled, nodes] = await Promise.all([
    startFaultRegistry(),
    startFaultRegistry({ upstream: open }),
    startFaultRegistry(),
    startFaultRegistry(),
  ]);
  await down.refuse();
  const quota = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '5;w=21600' };
  scarce.setRules({ path: /\/manifests\//, fault: { kind: 'headers', headers: quota } });
  throttled.setRules({ fault: refusedWith(429, 'TOOMANYREQUESTS', { 'retry-after': '30' }) });
  return { open, mirror, down, scarce, throttled, nodes };
}

/** Ends them, and removes what they hold. */
export async function closeRegistries({ open, mirror, ...faulty }: BusyRegistries): Promise<void> {
  await Promise.all([open.remove(), mirror.remove()]);
  await Promise.all(Object.values(faulty).map((registry) => registry.close()));
}
