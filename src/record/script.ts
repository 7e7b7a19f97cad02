/**
 * `iommu record --print`: the same recording as a shell script, for machines where this program is not.
 * @module
 */
import { shellQuote } from '../report/shell-words.ts';
import { TRACE_CLOCKS } from './clock.ts';
import { SHELL_PATTERNS } from './functions.ts';
import { FACTS_TEXT } from './shell-facts.ts';
import { RUN_TEXT, SETTINGS_TEXT } from './shell-run.ts';
import { EVENT_PID_FILTERS, FUNCTION_PID_FILTERS, GRAPH_OPTIONS, type RecordOptions, TRACEFS } from './tracing.ts';

/** Where the printed script reads and writes. */
export interface ScriptPlaces {
  /** Folder for the recording. */
  readonly folder: string;
  /** Where tracefs is; null: where Linux has it. */
  readonly tracefs: string | null;
  /** Folder in which /proc and /sys are looked for; `/` is the machine itself. */
  readonly sysroot: string;
}

const CHECKS = `case $rec_tracefs in /*) ;; *) rec_tracefs=$PWD/$rec_tracefs ;; esac
case $rec_out in /*) ;; *) rec_out=$PWD/$rec_out ;; esac
rec_fail() {
  echo "record: $1" >&2
  if [ -n "#{rec_kept-}" ]; then rec_exit 3; fi
  exit 3
}
[ -e "$rec_tracefs/tracing_on" ] || rec_fail "no tracefs at $rec_tracefs: mount -t tracefs tracefs /sys/kernel/tracing"
[ -w "$rec_tracefs/tracing_on" ] || rec_fail "no right to trace: run as root"
[ -d "$rec_tracefs/events/iommu" ] || rec_fail "this kernel has no iommu events"`.replaceAll('#{', '${');

const UNUSED = `[ "$(cat "$rec_tracefs/current_tracer")" = nop ] || rec_fail "tracing is in use: $(cat "$rec_tracefs/current_tracer")"
[ ! -e "$rec_tracefs/events/enable" ] || [ "$(cat "$rec_tracefs/events/enable")" = 0 ] || rec_fail "tracing is in use: events are enabled"`;

const GRAPH_CHECK = `rec_functions() {
  sed 's/[[:space:]].*//' "$rec_tracefs/available_filter_functions" | grep -E "$1" | sort -u
}
rec_roots=${shellQuote(SHELL_PATTERNS.roots)}
rec_layers=${shellQuote(SHELL_PATTERNS.all)}
grep -q -w function_graph "$rec_tracefs/available_tracers" || rec_fail "this kernel has no function_graph tracer"
[ -n "$(rec_functions "$rec_roots")" ] || rec_fail "this kernel offers no function of the mapping stack"`;

const GRAPH_SETTINGS = `for rec_filter in ${FUNCTION_PID_FILTERS.join(' ')}; do rec_put "$rec_filter" ''; done
rec_functions "$rec_layers" > "$rec_out/fgraph_functions.txt"
rec_put set_ftrace_filter "$(cat "$rec_out/fgraph_functions.txt")"
rec_put set_graph_function "$(rec_functions "$rec_roots")"
for rec_option in ${GRAPH_OPTIONS.join(' ')}; do rec_put "options/$rec_option" 1; done
rec_put current_tracer function_graph`;

const CLOCK = `rec_clock=
for rec_name in ${TRACE_CLOCKS.join(' ')}; do
  if [ -z "$rec_clock" ] && grep -q -w "$rec_name" "$rec_tracefs/trace_clock" 2> /dev/null; then rec_clock=$rec_name; fi
done
[ -z "$rec_clock" ] || rec_put trace_clock "$rec_clock"`;

const BUFFERS = `if [ "$(cat "$rec_tracefs/buffer_size_kb" 2> /dev/null)" = X ]; then
  for rec_cpu in "$rec_tracefs"/per_cpu/*/buffer_size_kb; do rec_put "\${rec_cpu#"$rec_tracefs"/}" "$rec_buffer"; done
else
  rec_put buffer_size_kb "$rec_buffer"
fi`;

const EVENTS = `rec_events() {
  for rec_event in "$rec_tracefs"/events/iommu/*/enable "$rec_tracefs"/events/dma/*/enable; do
    [ -e "$rec_event" ] || continue
    rec_event=\${rec_event#"$rec_tracefs"/events/}
    printf '%s:%s\\n' "\${rec_event%%/*}" "$(basename "\${rec_event%/enable}")"
  done
}
for rec_switch in "$rec_tracefs"/events/iommu/*/enable "$rec_tracefs"/events/dma/*/enable; do
  [ ! -e "$rec_switch" ] || rec_put "\${rec_switch#"$rec_tracefs"/}" 1
done`;

const MARK = `rec_switch() {
  echo "$1" > "$rec_tracefs/tracing_on" || rec_fail "tracing_on cannot be set"
}
rec_mark() {
  [ ! -e "$rec_tracefs/trace_marker" ] || echo "iommu record: $1" > "$rec_tracefs/trace_marker"
}`;

/** Waiting for enter, where no command was given. */
const UNTIL_ENTER = ['sh', '-c', 'echo "recording; press enter to stop" >&2; read -r answer || :'] as const;

function placesText({ folder, tracefs, sysroot }: ScriptPlaces): string[] {
  const [usual, older] = TRACEFS.map(shellQuote);
  const found = `rec_tracefs=${usual}\n  [ -e "$rec_tracefs/tracing_on" ] || rec_tracefs=${older}`;
  return [
    `rec_tracefs=\${TRACEFS-}`,
    'if [ -z "$rec_tracefs" ]; then',
    `  ${tracefs === null ? found : `rec_tracefs=${shellQuote(tracefs)}`}`,
    'fi',
    `rec_root=${shellQuote(sysroot === '/' ? '' : sysroot)}`,
    `rec_out=${shellQuote(folder)}`,
  ];
}

function prepareText({ graph }: RecordOptions): string[] {
  return [
    'rec_note tracing_on',
    'rec_switch 0',
    BUFFERS,
    CLOCK,
    `for rec_filter in ${EVENT_PID_FILTERS.join(' ')}; do rec_put "$rec_filter" ''; done`,
    ...(graph ? [GRAPH_SETTINGS] : []),
    `printf '' > "$rec_tracefs/trace" || rec_fail "the trace cannot be emptied"`,
    EVENTS,
  ];
}

/**
 * The script. Words of the user stand in single quotes, and the command runs in a child, so that the shell evaluates
 * nothing of them.
 * @param command - what is recorded; empty: until enter is pressed
 */
export function recordScript(command: readonly string[], places: ScriptPlaces, options: RecordOptions): string {
  const words = command.length === 0 ? UNTIL_ENTER : command;
  return `${[
    '#!/bin/sh',
    '# Records what the IOMMU layers do while a command runs, and puts every setting back. Run it as root.',
    '# shellcheck disable=SC2016,SC2317,SC2329 # quoted on purpose; functions that only a trap calls',
    'set -u',
    ...placesText(places),
    `rec_trace=${options.graph ? 'trace_fgraph.txt' : 'trace.txt'}`,
    `rec_tracer=${options.graph ? 'function_graph' : 'nop'}`,
    `rec_buffer=${options.bufferKb}`,
    `rec_command=${shellQuote(JSON.stringify(command))}`,
    CHECKS,
    ...(options.graph ? [GRAPH_CHECK] : []),
    ...(options.force ? [] : [UNUSED]),
    'mkdir -p "$rec_out" || rec_fail "cannot make $rec_out"',
    'if ( : <&0 ) 2> /dev/null; then exec 9<&0; else exec 9< /dev/null; fi',
    SETTINGS_TEXT,
    RUN_TEXT,
    MARK,
    ...prepareText(options),
    `set -- ${words.map(shellQuote).join(' ')}`,
    'rec_started=$(date -u +%Y-%m-%dT%H:%M:%SZ)',
    'rec_begin=$(date +%s)',
    'rec_switch 1',
    'rec_mark begin',
    'rec_run "$@"',
    'rec_mark end',
    'rec_switch 0',
    'rec_end=$(date +%s)',
    'rec_save "$rec_out/$rec_trace"',
    FACTS_TEXT,
    'rec_exit "$rec_status"',
  ].join('\n')}\n`;
}
