import { onTestFinished } from 'vitest';
import type { Runtime } from '#actors/runtime.ts';
import { KuikSystem } from '#actors/system.ts';

/** A system that is started, with what `add` adds to it, and that leads; it ends with the test. */
export function startLeading(runtime: Runtime, add: (system: KuikSystem) => void): KuikSystem {
  const system = new KuikSystem(runtime);
  add(system);
  system.start();
  system.lead({ unrecordedUntilMs: undefined });
  onTestFinished(system.stop);
  return system;
}
