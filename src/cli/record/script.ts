/**
 * `iommu record --print`: the same recording as a shell script, for machines where this program is not.
 * @module
 */
import { SHELL_PATTERNS } from './functions.ts';
import type { RecordOptions } from './tracing.ts';

/** A word in single quotes, for a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const CHECKS = `fail() { echo "record: $1" >&2; exit 3; }
[ -e "$T/tracing_on" ] || fail "no tracefs at $T: mount -t tracefs tracefs /sys/kernel/tracing"
[ -w "$T/tracing_on" ] || fail "no right to trace: run as root"
[ -d "$T/events/iommu" ] || fail "this kernel has no iommu events"`;

const UNUSED = `[ "$(cat "$T/current_tracer")" = nop ] || fail "tracing is in use: $(cat "$T/current_tracer")"
[ ! -e "$T/events/enable" ] || [ "$(cat "$T/events/enable")" = 0 ] || fail "tracing is in use: events are enabled"`;

const FUNCTIONS = String.raw`KEPT=$(mktemp -d)
LIST=$KEPT/list
: > "$LIST"
# What a file must be given to read as it does now.
before() {
  case $1 in
    trace_clock) sed 's/.*\[\(.*\)\].*/\1/' "$T/$1" ;;
    *buffer_size_kb) sed 's/.*expanded: \([0-9]*\).*/\1/' "$T/$1" ;;
    *enable) tr -d '*' < "$T/$1" ;;
    set_*) sed '/^#/d; /:/d; /^no pid/d; s/ .*//' "$T/$1" ;;
    *) cat "$T/$1" ;;
  esac
}
# put FILE: sets FILE to standard input and remembers what it was.
put() {
  [ -e "$T/$1" ] || { cat > /dev/null; return 0; }
  n=$(wc -l < "$LIST" | tr -d ' ')
  before "$1" > "$KEPT/$n"
  echo "$1" >> "$LIST"
  cat > "$T/$1"
}
restore() {
  trap - EXIT INT TERM HUP
  n=$(wc -l < "$LIST" | tr -d ' ')
  while [ "$n" -gt 0 ]; do
    n=$((n - 1))
    file=$(sed -n "$((n + 1))p" "$LIST")
    cat "$KEPT/$n" > "$T/$file" || echo "record: $file could not be put back" >&2
  done
  rm -rf "$KEPT"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP`;

function graphLines(): string {
  return `grep -q -w function_graph "$T/available_tracers" || fail "this kernel has no function_graph tracer"
names() { sed 's/[[:space:]].*//' "$T/available_filter_functions" | grep -E ${shellQuote(SHELL_PATTERNS.all)} | sort -u; }
roots() { sed 's/[[:space:]].*//' "$T/available_filter_functions" | grep -E ${shellQuote(SHELL_PATTERNS.roots)} | sort -u; }
names > "$O/fgraph_functions.txt"
names | put set_ftrace_filter
roots | put set_graph_function
for option in abstime proc cpu duration tail; do echo 1 | put "options/funcgraph-$option"; done
echo function_graph | put current_tracer`;
}

function prepareLines({ bufferKb, graph }: RecordOptions): string {
  return [
    'echo 0 | put tracing_on',
    `echo ${bufferKb} | put buffer_size_kb`,
    'if grep -q -w mono "$T/trace_clock" 2>/dev/null; then echo mono | put trace_clock; fi',
    ...(graph ? [graphLines()] : []),
    ': > "$T/trace"',
    'for event in $(cd "$T" && ls -d events/iommu/*/enable events/dma/*/enable 2> /dev/null); do',
    '  echo 1 | put "$event"',
    'done',
  ].join('\n');
}

const FACTS = `{
  uname -a; cat /proc/cmdline; getconf PAGESIZE
  ls /sys/class/iommu; grep -m1 -i "model name" /proc/cpuinfo; cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name
} > "$O/facts.txt" 2> /dev/null || :`;

/** The script; `command` is what is recorded, `folder` where the trace goes. */
export function recordScript(
  command: readonly string[],
  folder: string,
  tracefs: string,
  options: RecordOptions,
): string {
  const trace = options.graph ? 'trace_fgraph.txt' : 'trace.txt';
  return `${[
    '#!/bin/sh',
    '# Records what the IOMMU layers do while a command runs, and puts every setting back. Run it as root.',
    'set -u',
    `T=\${TRACEFS:-${tracefs}}`,
    `O=${shellQuote(folder)}`,
    CHECKS,
    ...(options.force ? [] : [UNUSED]),
    'mkdir -p "$O"',
    FUNCTIONS,
    prepareLines(options),
    'echo 1 | put tracing_on',
    command.length === 0
      ? 'echo "recording; press enter to stop" >&2; read -r answer'
      : command.map(shellQuote).join(' '),
    'status=$?',
    'echo 0 > "$T/tracing_on"',
    `cat "$T/trace" > "$O/${trace}"`,
    'cat "$T"/events/iommu/*/format "$T"/events/dma/*/format > "$O/event_formats.txt" 2> /dev/null',
    FACTS,
    'exit $status',
  ].join('\n')}\n`;
}
