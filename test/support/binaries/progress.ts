/** Says what a long step is doing, for a person or for a log. */
export interface Progress {
  /**
   * Shows `title` with the seconds gone until the step ends; `detail` is asked each time a line
   * is written. The returned function ends the step and says how it came out.
   */
  readonly start: (title: string, detail?: () => string) => (outcome: string) => void;
}

/** On a terminal the line is rewritten every second; a log gets one every 15 s. */
const logIntervalMs = 15_000;
const terminalIntervalMs = 1000;

/** Progress on standard error, so that standard output stays what the command is for. */
export function terminalProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return {
    start: (title, detail) => {
      const startedMs = performance.now();
      const line = () => {
        const seconds = Math.round((performance.now() - startedMs) / 1000);
        const extra = detail?.() ?? '';
        return `${title}: ${seconds} s${extra === '' ? '' : `, ${extra}`}`;
      };
      const show = () => {
        if (stream.isTTY) stream.write(`\r\u001b[2K${cut(line(), stream.columns)}`);
        else stream.write(`${line()}\n`);
      };
      show();
      const timer = setInterval(show, stream.isTTY ? terminalIntervalMs : logIntervalMs);
      return (outcome) => {
        clearInterval(timer);
        if (stream.isTTY) stream.write('\r\u001b[2K');
        stream.write(`${line()}: ${outcome}\n`);
      };
    },
  };
}

/** No word to anybody: for tests. */
export const silentProgress: Progress = { start: () => () => {} };

function cut(line: string, columns: number | undefined): string {
  // A line that wraps could not be rewritten in place.
  return line.slice(0, (columns ?? 80) - 1);
}
