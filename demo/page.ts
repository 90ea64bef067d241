import { styleText } from 'node:util';
import { wrap } from '#command/explanation-text.ts';

/** How the demo speaks: plain lines of at most 80 columns, coloured on a terminal only. */
export class Page {
  readonly #stream: NodeJS.WriteStream;
  readonly #roles = new Map<string, string>();
  #steps = 0;
  #lineIsOpen = false;
  #isClosed = false;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  /** From now on each line that names this host says which one it is. */
  calls(host: string, role: string): void {
    this.#roles.set(host, role);
  }

  title(text: string): void {
    this.#line(`\n${this.#style('bold', text)}`);
  }

  /** Starts a step; the returned function ends its line with the time it took. */
  step(text: string): () => void {
    this.#steps += 1;
    const startedMs = performance.now();
    const line = `${String(this.#steps).padStart(2)}  ${text}`;
    this.#write(`\n${this.#style('bold', line)}`);
    this.#lineIsOpen = true;
    return () => {
      const seconds = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
      this.#lineIsOpen = false;
      this.#line(this.#style('dim', seconds.padStart(columns - line.length)));
    };
  }

  /** A short label and what it says, on as many lines as it needs. */
  detail(label: string, text: string, tone: Tone = 'plain'): void {
    const lines = wrap(this.#withRoles(text), columns - indent.length - labelColumns);
    for (const [index, line] of lines.entries()) {
      const head = this.#style('dim', (index === 0 ? label : '').padEnd(labelColumns));
      this.#line(`${indent}${head}${tone === 'plain' ? line : this.#style(styles[tone], line)}`);
    }
  }

  /** A command to be copied: a line for each part, joined as a shell joins them. */
  command(label: string, ...parts: readonly string[]): void {
    for (const [index, part] of parts.entries()) {
      const head = index === 0 ? this.#style('dim', label.padEnd(labelColumns)) : continuation;
      this.#line(`${indent}${head}${part}${index === parts.length - 1 ? '' : ' \\'}`);
    }
  }

  paragraph(text: string): void {
    for (const line of wrap(text, columns - indent.length)) this.#line(`${indent}${line}`);
  }

  /** Says its last words on a line of their own; whatever comes after is not written. */
  close(text: string): void {
    this.#line(`${this.#lineIsOpen ? '\n' : ''}\n${text}`);
    this.#isClosed = true;
  }

  #withRoles(text: string): string {
    const words = text.split(' ').map((word) => {
      const role = [...this.#roles].find(([host]) => word.includes(host))?.[1];
      return role === undefined ? word : word.replace(/[:,.]?$/, (end) => ` (${role})${end}`);
    });
    return words.join(' ');
  }

  /** `styleText` leaves colours out for a pipe and for `NO_COLOR`. */
  #style(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.#stream });
  }

  #line(text: string): void {
    this.#write(`${text}\n`);
  }

  #write(text: string): void {
    if (!this.#isClosed) this.#stream.write(text);
  }
}

/** What a detail means for the reader. */
export type Tone = 'plain' | 'good' | 'changed' | 'bad';

const columns = 80;
const labelColumns = 11;
const indent = ' '.repeat(4);
const continuation = ' '.repeat(labelColumns + 2);
const styles = { plain: 'reset', good: 'green', changed: 'yellow', bad: 'red' } as const;
