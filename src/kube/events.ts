import { randomBytes } from 'node:crypto';
import { cutText } from '#core/cut-text.ts';
import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from './client.ts';
import { type ApiFailure, hasCode } from './failures.ts';
import { resourcePath } from './paths.ts';

/** The object that an event is about. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent on cluster-scoped objects, whose events live in `default`. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

/** What is to be said about it. */
export interface EventNote {
  readonly regarding: Regarding;
  readonly type: 'Normal' | 'Warning';
  /** One word for programs, `Rewritten`. */
  readonly reason: string;
  /** What was done, `Route`. */
  readonly action: string;
  /** A sentence for people; one line, cut at 1 KiB, which the API server allows. */
  readonly note: string;
  /** What makes two of them the same although their notes differ; the note unless told. */
  readonly foldAs?: string;
  /**
   * Makes the event one of its kind: its name ends in this, so that whoever tells it again, after a
   * restart or as the next leader, is told that it is there. Lower case, as in names of objects.
   */
  readonly onceAs?: string;
}

/** An event as it stands in the API server, so that it can be folded. */
export interface WrittenEvent {
  readonly namespace: string;
  readonly name: string;
}

/** What the API server allows; it counts the bytes of UTF-8. */
const noteBytesMax = 1_024;
const namePartCharactersMax = 200;
const controller = 'kuik.enix.io/operator';

/**
 * Where an event is to be written: a place that no other event has, or the one of `onceAs`, which is
 * the same in every process.
 */
export function newEventPlace({ regarding, onceAs }: EventNote): WrittenEvent {
  const unique = onceAs ?? randomBytes(8).toString('hex');
  // What is left of a cut name may end in what no part of a name may end in.
  const part = regarding.name.slice(0, namePartCharactersMax).replace(/[.-]+$/, '');
  return { namespace: regarding.namespace ?? 'default', name: `${part}.${unique}` };
}

/** A new event. */
export interface NewEvent {
  readonly note: EventNote;
  /** From `newEventPlace`; a second try at the same place writes no second event. */
  readonly place: WrittenEvent;
  /** RFC 3339 with microseconds. */
  readonly at: string;
  /** Names this process. */
  readonly instance: string;
}

/** Writes a new event; one that an earlier try, or another process, has written is no failure. */
export async function createEvent(
  client: Pick<KubeClient, 'call'>,
  { note, place, at, instance }: NewEvent,
  signal: AbortSignal,
): Promise<Result<WrittenEvent, ApiFailure>> {
  const { regarding } = note;
  const { namespace, name } = place;
  const answer = await client.call<unknown>(
    {
      method: 'POST',
      path: resourcePath({ group: 'events.k8s.io', version: 'v1', plural: 'events', namespace }),
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace, name },
        eventTime: at,
        reportingController: controller,
        reportingInstance: instance.slice(0, 128),
        action: note.action,
        reason: note.reason,
        regarding,
        note: cutText(note.note, noteBytesMax),
        type: note.type,
      },
    },
    signal,
  );
  return answer.ok || hasCode(answer.error, 409) ? succeed(place) : answer;
}

/** Says that an event happened again: how often in all, and when last. */
export async function foldEvent(
  client: Pick<KubeClient, 'call'>,
  {
    event,
    count,
    at,
  }: { readonly event: WrittenEvent; readonly count: number; readonly at: string },
  signal: AbortSignal,
): Promise<Result<unknown, ApiFailure>> {
  return await client.call(
    {
      method: 'PATCH',
      path: resourcePath({ group: 'events.k8s.io', version: 'v1', plural: 'events', ...event }),
      contentType: 'application/merge-patch+json',
      body: { series: { count, lastObservedTime: at } },
    },
    signal,
  );
}
