import { describe, expect, onTestFinished, test } from 'vitest';
import type { Readiness } from '#http/health.ts';
import { buildHealthApp } from '#http/health.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';

const log = createLog({ level: 'silent', format: 'json' });

describe('health', () => {
  const stage = (readiness: () => Readiness, stuck: readonly string[] = []) => {
    const app = buildHealthApp({ readiness, stuck: () => stuck, log });
    onTestFinished(async () => await app.close());
    return app;
  };

  test('is well as long as the process answers, ready or not', async () => {
    const app = stage(() => ({ ready: false, checks: { cache: false } }));
    const answer = await app.inject('/healthz');
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }]);
  });

  test('is ill with 503 while something is stuck, and says what', async () => {
    const stuck = ['reflector:pods: Watching for 412 s'];
    const app = stage(() => ({ ready: true, checks: {} }), stuck);
    const answer = await app.inject('/healthz');
    expect([answer.statusCode, answer.json()]).toEqual([503, { ok: false, stuck }]);
    expect((await app.inject('/readyz')).statusCode).toBe(200);
  });

  test('is ready with 200, and with 503 says what it waits for', async () => {
    let checks: Record<string, boolean> = { 'cache of pods': false, 'certificate loaded': true };
    const app = stage(() => ({ ready: Object.values(checks).every(Boolean), checks }));
    const waiting = await app.inject('/readyz');
    expect(waiting.statusCode).toBe(503);
    expect(waiting.json()).toEqual({ ready: false, checks, waitingFor: ['cache of pods'] });
    checks = { 'cache of pods': true, 'certificate loaded': true };
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.json().waitingFor]).toEqual([200, []]);
  });

  test('says 500 where readiness itself fails, and what there is to whoever asks elsewhere', async () => {
    const app = stage(() => {
      throw new Error('a bug');
    });
    expect((await app.inject('/readyz')).statusCode).toBe(500);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/ready')).json()).toEqual({
      error: 'expected GET /healthz, GET /readyz, got GET /ready',
    });
  });
});

describe('metrics', () => {
  test('are in the exposition format, without labels where kuik v2 has none', async () => {
    const metrics = createMetrics({ build: { version: '1.2.3' } });
    metrics.setUp(true);
    const app = buildMetricsApp({ metrics: metrics.text, log });
    onTestFinished(async () => await app.close());
    const answer = await app.inject('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toMatch(/^kube_image_keeper_manager_up 1$/m);
    expect(answer.body).toMatch(/^kube_image_keeper_manager_is_leader 0$/m);
    expect(answer.body).toMatch(/^kube_image_keeper_manager_build_info\{version="1.2.3",/m);
    expect((await app.inject('/')).statusCode).toBe(404);
  });
});
