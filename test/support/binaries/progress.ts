/** Says what a long step is doing, for a person or for a log. */
export interface Progress {
  /**
   * Shows `title`, how far it is and the seconds gone until the step ends; `detail` is asked each
   * time a line is written. The returned function ends the step and says how it came out.
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
      const rest = () => {
        const seconds = Math.round((performance.now() - startedMs) / 1000);
        const extra = detail?.() ?? '';
        return `: ${extra === '' ? '' : `${extra}, `}${seconds} s`;
      };
      const show = () => {
        if (stream.isTTY) stream.write(`\r\u001b[2K${fitting(title, rest(), stream.columns)}`);
        else stream.write(`${title}${rest()}\n`);
      };
      show();
      const timer = setInterval(show, stream.isTTY ? terminalIntervalMs : logIntervalMs);
      return (outcome) => {
        clearInterval(timer);
        if (stream.isTTY) stream.write('\r\u001b[2K');
        stream.write(`${title}${rest()}: ${outcome}\n`);
      };
    },
  };
}

/** No word to anybody: for tests. */
export const silentProgress: Progress = { start: () => () => {} };

/** A line that wraps could not be rewritten in place; how far it is matters more than of what. */
function fitting(title: string, rest: string, columns = 80): string {
  return `${title.slice(0, Math.max(0, columns - 1 - rest.length))}${rest}`;
}
