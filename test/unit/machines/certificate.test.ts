import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, initialTransition, transition } from 'xstate';
import { certificateMachine } from '#machines/certificate.ts';

/** The machine of one source after a number of events. */
function reach(source: 'own' | 'directory', ...events: { type: string }[]): AnyMachineSnapshot {
  let [snapshot] = initialTransition(certificateMachine, { source, pollMs: 5_000 });
  for (const event of events) [snapshot] = transition(certificateMachine, snapshot, event as never);
  return snapshot;
}

const done = (state: string, output: unknown) => ({
  type: `xstate.done.actor.0.certificate.${state}`,
  output,
});
const threw = (state: string) => ({
  type: `xstate.error.actor.0.certificate.${state}`,
  error: new Error('a bug'),
});
const certificate = { fingerprint: 'f', notAfter: '2030-01-01T00:00:00.000Z', names: ['DNS:a'] };
const loaded = { kind: 'loaded', certificate };
const missing = { kind: 'missing', message: 'none there' };
const refused = { kind: 'refused', message: 'it ended', fingerprint: 'bad' };
const failed = { kind: 'failed', message: 'API server away' };
/** A look finds something new. */
const due = [{ type: 'xstate.after.pollDelay.certificate.Serving' }, done('Looking', 'new')];

describe('the certificate machine', () => {
  test('serves what it loads', () => {
    const snapshot = reach('own', done('Loading', loaded));
    expect(snapshot).toMatchObject({ value: 'Serving', context: { certificate, trouble: null } });
  });

  test.each([missing, refused])('makes one of its own when what is there is $kind', (outcome) => {
    expect(reach('own', done('Loading', outcome)).value).toBe('Issuing');
    const issued = reach('own', done('Loading', outcome), done('Issuing', loaded));
    expect(issued).toMatchObject({ value: 'Serving', context: { certificate, refused: null } });
  });

  test.each([missing, refused, failed])(
    'waits for a directory whose certificate is $kind',
    (outcome) => {
      const snapshot = reach('directory', done('Loading', outcome));
      expect(snapshot).toMatchObject({ value: 'Waiting', context: { trouble: outcome.message } });
      const due = { type: 'xstate.after.retryDelay.certificate.Waiting' };
      expect(reach('directory', done('Loading', outcome), due).value).toBe('Loading');
    },
  );

  test('loads what another replica made when that one was faster', () => {
    const raced = done('Issuing', { kind: 'raced' });
    expect(reach('own', done('Loading', missing), raced).value).toBe('Loading');
  });

  test('tries again when it could not make one', () => {
    const snapshot = reach('own', done('Loading', missing), done('Issuing', failed));
    expect(snapshot).toMatchObject({ value: 'Waiting', context: { trouble: 'API server away' } });
  });

  test('goes on serving the previous one when the next is refused, and remembers which that was', () => {
    const snapshot = reach('directory', done('Loading', loaded), ...due, done('Renewing', refused));
    expect(snapshot).toMatchObject({
      value: 'Serving',
      context: { certificate, refused: 'bad', trouble: 'it ended', failures: 0 },
    });
  });

  test('goes on serving while renewals fail, and forgets that once one succeeds', () => {
    const failing = [done('Loading', loaded), ...due, done('Renewing', failed)];
    const twice = reach('own', ...failing, ...due, done('Renewing', failed));
    expect(twice).toMatchObject({ value: 'Serving', context: { certificate, failures: 2 } });
    const next = { ...certificate, fingerprint: 'g' };
    const mended = reach(
      'own',
      ...failing,
      ...due,
      done('Renewing', { ...loaded, certificate: next }),
    );
    expect(mended.context).toMatchObject({ certificate: next, failures: 0, trouble: null });
  });

  test('looks for something new now and then, and passes over what was refused', () => {
    const poll = { type: 'xstate.after.pollDelay.certificate.Serving' };
    const look = (found: string | null) => [poll, done('Looking', found)];
    expect(reach('own', done('Loading', loaded), poll).value).toBe('Looking');
    expect(reach('own', done('Loading', loaded), ...look(null)).value).toBe('Serving');
    const once = [done('Loading', loaded), ...due, done('Renewing', refused)];
    expect(reach('own', ...once, ...look('bad')).value).toBe('Serving');
    expect(reach('own', ...once, ...look('better')).value).toBe('Renewing');
  });

  test.each([
    ['loading', [threw('Loading')]],
    ['issuing', [done('Loading', missing), threw('Issuing')]],
    ['looking', [done('Loading', loaded), due[0]!, threw('Looking')]],
    ['renewing', [done('Loading', loaded), ...due, threw('Renewing')]],
  ])('a bug while %s crashes it with its own error', (_, events) => {
    expect(reach('own', ...events)).toMatchObject({ status: 'error', error: new Error('a bug') });
  });
});
