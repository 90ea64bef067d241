import { expect, test } from 'vitest';
import { startMonitoring, turns } from '#test/support/monitoring/monitoring-stage.ts';
import { everything } from '#test/support/monitoring/restored-images.ts';
test('cycle', async () => {
    const pace = { intervalMs: 2_000, maxPerInterval: 2_000 };
    const stage = startMonitoring({ pace, paceOf: () => pace } as never);
    for (let index = 0; index < 20_000; index += 1) {
      stage.run(`pod-${index}`, `registry-${index % 40}.example.com/team/app-${index}:1`);
    }
    stage.declare('all', everything);
    let cpu = process.cpuUsage();
    let t = performance.now();
    await stage.lead();
    if (!(globalThis as any).OLD) await stage.pass(200);
    await turns(500);
    let d = process.cpuUsage(cpu);
    console.log('build cpu ms', (d.user+d.system)/1000, 'wall', performance.now()-t);
    const before = stage.checks.length;
    cpu = process.cpuUsage();
    const s = performance.now();
    for (let step = 0; step < 100; step += 1) {
      stage.clock.advance(1);
      await turns(2);
    }
    const cycles = stage.checks.length - before;
    d = process.cpuUsage(cpu);
    console.log('cycles', cycles, 'cpu/cycle ms', (d.user+d.system)/1000/cycles, 'wall', (performance.now()-s)/cycles);
}, 60_000);
