/** Whose frames are wanted (behaviour §9): never those of all actors, unless somebody names their root. */
export type ActorChoice =
  /** Actors by id, each with what it started, and what that started. */
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** Actors of a type; those that are or come to be in a state, where one is given. */
  | { readonly kind: 'type'; readonly type: string; readonly state?: string };

/** Where the frames of one viewer go. */
export interface FrameSink {
  /** Takes one text frame; it neither waits nor throws. */
  readonly send: (frame: string) => void;
  /** Bytes that were taken and have not left yet. */
  readonly bufferedBytes: () => number;
  /** Nothing comes any more, for a reason that a person can read. */
  readonly end: (reason: string) => void;
}

/** The actors as frames of `@statelyai/inspect`, for viewers that watch them live. */
export interface InspectionPort {
  /** An id that was chosen and that no actor has; undefined where all are there. */
  readonly missing: (choice: ActorChoice) => string | undefined;
  /** Sends frames to a viewer until the function that comes back is called. */
  readonly watch: (choice: ActorChoice, sink: FrameSink) => () => void;
}

/** Types of what is told to a viewer beside the protocol: events of an actor of this name. */
export const noticeActor = 'kuik-inspect';
