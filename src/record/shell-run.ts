/**
 * The parts of the recording script that change settings, run the command and answer signals. POSIX shell; variables and
 * functions begin with `rec_`, so that nothing of the user's environment is changed.
 * @module
 */

/**
 * Settings that are put back. Every way out goes through `rec_restore`: the trap of EXIT runs it, and signals are
 * ignored from then on.
 */
export const SETTINGS_TEXT: string = String.raw`rec_kept=$(mktemp -d) || rec_fail "cannot make a temporary folder"
rec_changes=0
rec_exit() {
  trap '' HUP INT QUIT TERM PIPE
  exit "$1"
}
rec_restore() {
  trap '' HUP INT QUIT TERM PIPE
  trap - EXIT
  while [ "$rec_changes" -gt 0 ]; do
    rec_changes=$((rec_changes - 1))
    rec_file=$(cat "$rec_kept/$rec_changes.name")
    cat "$rec_kept/$rec_changes.value" > "$rec_tracefs/$rec_file" || echo "record: $rec_file could not be put back" >&2
    rm -f "$rec_kept/$rec_changes.name" "$rec_kept/$rec_changes.value"
  done
  rm -f "$rec_kept/reading"
  rmdir "$rec_kept"
}
# rec_reading FILE: what FILE must be given to read as it does now.
rec_reading() {
  case $1 in
    trace_clock) sed 's/.*\[\(.*\)\].*/\1/' "$rec_tracefs/$1" ;;
    *buffer_size_kb) sed 's/.*expanded: \([0-9]*\).*/\1/' "$rec_tracefs/$1" ;;
    *enable) tr -d '*' < "$rec_tracefs/$1" ;;
    set_*) sed '/^#/d; /:/d; /^no pid/d; s/ .*//' "$rec_tracefs/$1" ;;
    *) cat "$rec_tracefs/$1" ;;
  esac
}
# rec_note FILE: notes what it is. rec_put FILE VALUE: sets it, unless it is so already.
rec_note() {
  [ -e "$rec_tracefs/$1" ] || return 0
  rec_reading "$1" > "$rec_kept/reading" || rec_fail "cannot read $1"
  printf '%s\n' "$1" > "$rec_kept/$rec_changes.name" || rec_fail "cannot write to $rec_kept"
  mv "$rec_kept/reading" "$rec_kept/$rec_changes.value" || rec_fail "cannot write to $rec_kept"
  rec_changes=$((rec_changes + 1))
}
rec_put() {
  if [ ! -e "$rec_tracefs/$1" ] || [ "$(rec_reading "$1")" = "$2" ]; then return 0; fi
  rec_note "$1"
  printf '%s\n' "$2" > "$rec_tracefs/$1" || rec_fail "the kernel refuses '$2' for $1"
}`;

/**
 * The command, in a child. The first signal is passed on and the child's end awaited; the second ends the waiting.
 * A shell makes a child in the background ignore INT and QUIT; `env` undoes that where it can, else TERM is sent instead.
 */
export const RUN_TEXT: string = `rec_phase=idle
rec_child=
rec_pending=
rec_count=0
rec_status=
if env --default-signal=INT,QUIT true 2> /dev/null; then rec_resets=yes; else rec_resets=no; fi
# rec_pass SIGNAL: to the command. A terminal sends INT and QUIT to it by itself.
rec_pass() {
  case $1 in
    INT | QUIT)
      if [ "$rec_resets" = no ]; then
        kill -s TERM "$rec_child" 2> /dev/null
      elif [ ! -t 0 ]; then
        kill -s "$1" "$rec_child" 2> /dev/null
      fi
      ;;
    *) kill -s "$1" "$rec_child" 2> /dev/null ;;
  esac
}
# rec_signal SIGNAL NUMBER: what a signal does.
rec_signal() {
  rec_count=$((rec_count + 1))
  if [ "$rec_phase" != running ]; then
    if [ "$rec_phase" = saving ]; then
      kill -s TERM "$rec_child" 2> /dev/null
      echo "record: the trace was not saved to its end" >&2
    fi
    rec_exit $((128 + $2))
  fi
  [ "$rec_count" -gt 1 ] || rec_waiting=yes
  if [ -n "$rec_child" ]; then rec_pass "$1"; else rec_pending=$1; fi
}
trap rec_restore EXIT
trap 'rec_signal HUP 1' HUP
trap 'rec_signal INT 2' INT
trap 'rec_signal QUIT 3' QUIT
trap 'rec_signal TERM 15' TERM
trap : PIPE
# rec_start WORD...: becomes the command. Nothing but a program is started, word by word.
rec_start() {
  if [ "$rec_resets" = yes ]; then
    exec env --default-signal=INT,QUIT sh -c 'exec "$@"' sh "$@"
  fi
  exec "$@"
}
rec_run() {
  rec_phase=running
  rec_start "$@" <&9 9<&- &
  rec_child=$!
  [ -z "$rec_pending" ] || rec_pass "$rec_pending"
  rec_waiting=yes
  while [ "$rec_waiting" = yes ]; do
    rec_waiting=no
    wait "$rec_child" 2> /dev/null
    rec_code=$?
    # 127, in bash also -1: its end had been seen already when a signal came.
    case $rec_code in
      -1 | 127) rec_status=\${rec_status:-127} ;;
      *) rec_status=$rec_code ;;
    esac
  done
  rec_phase=idle
  rec_child=
}
# rec_save FILE: the trace, in a child, so that a signal is answered at once.
rec_save() {
  cat "$rec_tracefs/trace" > "$1" &
  rec_child=$!
  rec_phase=saving
  wait "$rec_child" || rec_fail "the trace cannot be saved to $1"
  rec_phase=idle
  rec_child=
}`;
