import { Argument, Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `kuik completion`: a script with which a shell completes commands and flags of the program. */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('print a script with which a shell completes commands and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(kuik completion bash)\n  kuik completion fish | source',
    )
    .allowExcessArguments(false)
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell](describe(program)));
    });
}

interface Described {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly { readonly long: string; readonly description: string }[];
}

/** What is completed: each command with its long flags. */
function describe(program: Command): readonly Described[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    flags: [
      ...command.options.flatMap(({ long, description }) =>
        long === undefined || long === null ? [] : [{ long, description }],
      ),
      { long: '--help', description: 'display help' },
    ],
  }));
}

const scripts: Readonly<Record<Shell, (commands: readonly Described[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function bashScript(commands: readonly Described[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const cases = commands.map(
    ({ name, flags }) => `    ${name}) words="${flags.map(({ long }) => long).join(' ')}" ;;`,
  );
  return `# bash completion of kuik
_kuik() {
  local words="${names}"
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${names}"; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kuik kuik
`;
}

function zshScript(commands: readonly Described[]): string {
  const names = commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`);
  const cases = commands.map(({ name, flags }) => {
    const specs = flags.map(({ long, description }) =>
      quote(`${long}[${description.replaceAll(/[[\]]/g, '')}]`),
    );
    return `    ${name}) _arguments ${specs.join(' ')} '*: :_default' ;;`;
  });
  return `#compdef kuik
_kuik() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
compdef _kuik kuik
`;
}

function fishScript(commands: readonly Described[]): string {
  const lines = commands.flatMap(({ name, description, flags }) => [
    `complete -c kuik -n __fish_use_subcommand -f -a ${name} -d ${quote(description)}`,
    ...flags.map(
      (flag) =>
        `complete -c kuik -n '__fish_seen_subcommand_from ${name}' -l ${flag.long.slice(2)} ` +
        `-d ${quote(flag.description)}`,
    ),
  ]);
  return `# fish completion of kuik\n${lines.join('\n')}\n`;
}

/** For a shell, in single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
