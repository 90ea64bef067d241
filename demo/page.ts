import { styleText } from 'node:util';

/** How the demo speaks: plain lines of at most 80 columns, coloured on a terminal only. */
export interface Page {
  readonly title: (text: string) => void;
  /** Starts a step; the returned function ends its line with the time it took. */
  readonly step: (text: string) => () => void;
  /** One line of detail: a short label and what it says. */
  readonly detail: (label: string, text: string, tone?: Tone) => void;
  readonly paragraph: (text: string) => void;
}

/** What a detail means for the reader. */
export type Tone = 'plain' | 'good' | 'changed' | 'bad';

const columns = 80;
const labelColumns = 11;
const indent = ' '.repeat(4);
const styles = { plain: 'reset', good: 'green', changed: 'yellow', bad: 'red' } as const;

/** A page on standard output; `styleText` leaves colours out for a pipe and for `NO_COLOR`. */
export function openPage(stream: NodeJS.WriteStream = process.stdout): Page {
  let steps = 0;
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    styleText(format, text, { stream });
  const write = (line: string) => stream.write(`${line}\n`);
  return {
    title: (text) => write(`\n${style('bold', text)}`),
    step: (text) => {
      steps += 1;
      const startedMs = performance.now();
      const line = `${String(steps).padStart(2)}  ${text}`;
      stream.write(`\n${style('bold', line)}`);
      return () => {
        const seconds = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
        write(style('dim', seconds.padStart(columns - line.length)));
      };
    },
    detail: (label, text, tone = 'plain') => {
      const head = style('dim', label.padEnd(labelColumns));
      const body = tone === 'plain' ? text : style(styles[tone], text);
      write(`${indent}${head}${body}`);
    },
    paragraph: (text) => {
      for (const line of wrap(text, columns - indent.length)) write(`${indent}${line}`);
    },
  };
}

/** Breaks at spaces; a word longer than the line stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
