/**
 * Completion scripts for bash, zsh and fish.
 * @module
 */
import { shellQuote } from '../report/shell-words.ts';
import type { OptionFacts, VerbFacts } from './verbs.ts';

function optionNames({ options }: VerbFacts): string[] {
  return options.flatMap(({ names }) => names);
}

/** Patterns of `case` that match the words of a verb's option, each quoted. */
function patterns(verb: VerbFacts, names: readonly string[]): string {
  return names.map((name) => shellQuote(`${verb.name},${name}`)).join(' | ');
}

function bashValues(verb: VerbFacts): string[] {
  const chosen = verb.options.filter(({ choices }) => choices.length > 0);
  return chosen.map(({ names, choices }) => `    ${patterns(verb, names)}) words=(${quoted(choices)}) ;;`);
}

function bashFiles(verb: VerbFacts): string[] {
  const open = verb.options.filter(({ choices, value }) => choices.length === 0 && value !== null);
  if (open.length === 0) return [];
  return [
    `    ${patterns(
      verb,
      open.flatMap(({ names }) => names),
    )}) return ;;`,
  ];
}

function quoted(words: readonly string[]): string {
  return words.map(shellQuote).join(' ');
}

/** The script for bash; where it has no words of its own, bash completes file names. */
export function bashScript(verbs: readonly VerbFacts[]): string {
  const names = verbs.map(({ name }) => name);
  return `# bash completion for iommu: source <(iommu completions bash)
_iommu() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} verb='' word i
  local -a words=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in -*) ;; *) verb=\${COMP_WORDS[i]}; break ;; esac
  done
  COMPREPLY=()
  case $verb,$prev in
${verbs.flatMap((verb) => [...bashValues(verb), ...bashFiles(verb)]).join('\n')}
    *)
      case $verb in
        '') words=(${quoted([...names, 'help', '--help', '--version'])}) ;;
        help) words=(${quoted(names)}) ;;
${verbs.map((verb) => `        ${shellQuote(verb.name)}) words=(${quoted([...verb.words, ...optionNames(verb)])}) ;;`).join('\n')}
      esac ;;
  esac
  for word in \${words[@]+"\${words[@]}"}; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}
complete -o default -F _iommu iommu
`;
}

function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function zshOption({ names, description, value, choices }: OptionFacts): string[] {
  const action = choices.length > 0 ? `(${choices.join(' ')})` : '_files';
  const argument = value === null ? '' : `:${zshText(value)}:${action}`;
  return names.map((name) => `      ${shellQuote(`${name}[${zshText(description)}]${argument}`)}`);
}

function zshVerb(verb: VerbFacts): string {
  const rest = verb.words.length > 0 ? shellQuote(`1:word:(${verb.words.join(' ')})`) : "'*:file:_files'";
  return `    ${shellQuote(verb.name)})
      _arguments \\
${[...verb.options.flatMap(zshOption), `      ${rest}`].join(' \\\n')} ;;`;
}

/** The script for zsh. */
export function zshScript(verbs: readonly VerbFacts[]): string {
  const lines = verbs.map(({ name, summary }) => `    ${shellQuote(`${name}:${zshText(summary)}`)}`);
  return `#compdef iommu
# zsh completion for iommu: iommu completions zsh > a folder of $fpath/_iommu
_iommu() {
  local -a verbs
  verbs=(
${lines.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
${verbs.map(zshVerb).join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _iommu "$@"; else compdef _iommu iommu; fi
`;
}

function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function fishOption(verb: string, { names, description, value, choices }: OptionFacts): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
  const values = choices.length > 0 ? ` -x -a ${fishText(choices.join(' '))}` : value === null ? '' : ' -r';
  return `complete -c iommu -n ${fishText(`__fish_seen_subcommand_from ${verb}`)} ${flags}${values} -d ${fishText(description)}`;
}

/** The script for fish. */
export function fishScript(verbs: readonly VerbFacts[]): string {
  const first = verbs.map(
    ({ name, summary }) => `complete -c iommu -n __fish_use_subcommand -f -a ${fishText(name)} -d ${fishText(summary)}`,
  );
  const rest = verbs.flatMap((verb) => [
    ...verb.options.map((option) => fishOption(verb.name, option)),
    ...(verb.words.length > 0
      ? [
          `complete -c iommu -n ${fishText(`__fish_seen_subcommand_from ${verb.name}`)} -f -a ${fishText(verb.words.join(' '))}`,
        ]
      : []),
  ]);
  const head = '# fish completion for iommu: iommu completions fish > ~/.config/fish/completions/iommu.fish';
  return `${[head, ...first, ...rest].join('\n')}\n`;
}
