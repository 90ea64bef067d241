/** The machines by file name, as in `docs/machines/`. */
export interface MachineViews {
  readonly list: () => readonly Pick<MachineView, 'id' | 'description'>[];
  readonly get: (id: string) => MachineView | undefined;
}

/** One machine as `/debug/machines/<id>` and `docs/machines/<id>.md` show it. */
export interface MachineView {
  readonly id: string;
  readonly description: string;
  /** The chart as JSON. */
  readonly definition: unknown;
  /** The configuration without what JSON cannot hold: what Stately Studio imports. */
  readonly studio: unknown;
  /** Mermaid `stateDiagram-v2`. */
  readonly diagram: string;
}
