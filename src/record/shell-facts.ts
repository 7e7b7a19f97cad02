/**
 * The part of the recording script that saves what the machine is, in the files and the metadata that the verb itself
 * writes. POSIX shell.
 * @module
 */
import { shellQuote } from '../report/shell-words.ts';
import { IOMMU_KINDS, TRACES_OF } from './machine.ts';
import { COPIED_FILES } from './machine-files.ts';

const JSON_TEXT =
  String.raw`# rec_json: standard input as a JSON string, null if it is empty. rec_list: its lines as a JSON array of strings.
rec_json() {
  rec_line=$(tr '\n\t' '  ' | tr -d '\000-\037' | LC_ALL=C sed 's/  *$//; s/[\\"]/\\&/g')
  if [ -z "$rec_line" ]; then printf null; else printf '"%s"' "$rec_line"; fi
}
rec_list() {
  printf '[%s]' "$(tr -d '\000-\011\013-\037' | LC_ALL=C sed 's/[\\"]/\\&/g; s/.*/"&"/' | paste -s -d , -)"
}
rec_read() {
  cat "$rec_root/$1" 2> /dev/null
}
rec_names() {
  for rec_entry in "$rec_root/$1"/*; do
    [ ! -e "$rec_entry" ] || printf '%s\n' "#{rec_entry##*/}"
  done
}`.replaceAll('#{', '${');

const FILES_TEXT = String.raw`rec_pci() {
  for rec_device in "$rec_root"/sys/bus/pci/devices/*; do
    [ -e "$rec_device" ] || continue
    rec_driver=$(readlink "$rec_device/driver" 2> /dev/null)
    echo "#{rec_device##*/} $(cat "$rec_device/vendor"):$(cat "$rec_device/device") class $(cat "$rec_device/class") driver #{rec_driver##*/}"
  done
}
rec_groups() {
  for rec_group in $(rec_names sys/kernel/iommu_groups | sort -n); do
    rec_at=sys/kernel/iommu_groups/$rec_group
    echo "group $rec_group type $(rec_read "$rec_at/type") devices $(rec_names "$rec_at/devices" | tr '\n' ' ') reserved: $(rec_read "$rec_at/reserved_regions" | tr '\n' ';')"
  done
}
# rec_keep FILE: standard input, unless it is empty.
rec_keep() {
  cat > "$rec_out/$1"
  [ -s "$rec_out/$1" ] || rm -f "$rec_out/$1"
}`.replaceAll('#{', '${');

const COPIES = COPIED_FILES.map(([name, path]) => `rec_read ${path} | rec_keep ${name}`).join('\n');

const SAVING_TEXT = `rec_pci 2> /dev/null | rec_keep pci.txt
rec_groups | rec_keep iommu_groups.txt
if [ -z "$rec_root" ]; then dmesg 2> /dev/null | rec_keep dmesg.txt; fi
cat "$rec_tracefs"/events/iommu/*/format "$rec_tracefs"/events/dma/*/format 2> /dev/null | rec_keep event_formats.txt`;

const KINDS_TEXT = `rec_kinds() {
  rec_names sys/class/iommu | while read -r rec_unit; do
    case $rec_unit in
${IOMMU_KINDS.map(([prefix, kind]) => `      ${prefix}*) echo ${kind} ;;`).join('\n')}
      *) echo unknown ;;
    esac
  done | sort -u
}
rec_types() {
  rec_names sys/kernel/iommu_groups | while read -r rec_group; do
    rec_read "sys/kernel/iommu_groups/$rec_group/type" || echo unknown
  done | sort | uniq -c | sed 's/^ *\\([0-9]*\\) \\(.*\\)/"\\2": \\1/' | paste -s -d , -
}`;

/** The same judgement as in machine.ts: what a guest can see. */
const VERDICT_TEXT = `rec_processor=$(rec_read proc/cpuinfo | grep -E -m 1 ${shellQuote(TRACES_OF.processor)} | sed 's/^[^:]*:[[:space:]]*//')
rec_dmi=$(rec_read sys/class/dmi/id/sys_vendor; rec_read sys/class/dmi/id/product_name)
rec_board=$(rec_read proc/device-tree/compatible | tr '\\000' ' ')
# rec_virtual EVIDENCE: a virtual machine; KVM shows in its clocks.
rec_virtual() {
  rec_evidence=$1
  if rec_read sys/devices/system/clocksource/clocksource0/available_clocksource | grep -q kvm-clock; then
    rec_machine=kvm
  elif cat "$rec_root"/sys/class/ptp/*/clock_name 2> /dev/null | grep -q KVM; then
    rec_machine=kvm
  else
    rec_machine=unknown
  fi
}
rec_judge() {
  if printf '%s\\n' "$rec_processor" | grep -q -E ${shellQuote(TRACES_OF.emulator)}; then
    rec_machine=emulated
    rec_evidence="/proc/cpuinfo: $rec_processor"
  elif rec_read proc/cpuinfo | grep -q -E '^flags[[:space:]]*:.* hypervisor( |$)'; then
    rec_virtual "/proc/cpuinfo: hypervisor flag"
  elif [ -e "$rec_root/sys/hypervisor/type" ]; then
    rec_virtual "/sys/hypervisor/type: $(rec_read sys/hypervisor/type)"
  elif printf '%s\\n' "$rec_board" | grep -q -E ${shellQuote(TRACES_OF.virtualBoard)}; then
    rec_virtual "device tree: $rec_board"
  elif printf '%s\\n' "$rec_dmi" | grep -q -i -E ${shellQuote(TRACES_OF.virtualModel)}; then
    rec_virtual "DMI: $rec_dmi"
  elif [ -n "$rec_dmi$rec_board" ]; then
    rec_machine=hardware
    rec_evidence="firmware names \${rec_dmi:-$rec_board}, no hypervisor seen"
  else
    rec_machine=unknown
    rec_evidence='neither DMI nor a device tree names the machine'
  fi
}
rec_judge`;

const METADATA_TEXT = String.raw`rec_sum() {
  rec_total=0
  for rec_stats in "$rec_tracefs"/per_cpu/*/stats; do
    rec_part=$(sed -n "s/^$1: \([0-9]*\).*/\1/p" "$rec_stats" 2> /dev/null)
    rec_total=$((rec_total + #{rec_part:-0}))
  done
  echo "$rec_total"
}
rec_traced() {
  if [ "$rec_tracer" = function_graph ]; then cat "$rec_out/fgraph_functions.txt"; fi
}
rec_offset=null
[ "$rec_clock" != global ] || rec_offset=0
cat > "$rec_out/metadata.json" << REC_END
{
  "schema": "iommu.metadata",
  "version": 1,
  "kernel": $(rec_read proc/version | rec_json),
  "release": $(rec_read proc/sys/kernel/osrelease | rec_json),
  "commandLine": $(rec_read proc/cmdline | rec_json),
  "pageSize": $(getconf PAGESIZE 2> /dev/null || echo null),
  "processor": $(printf '%s' "$rec_processor" | rec_json),
  "machine": "$rec_machine",
  "machineEvidence": $(printf '%s' "$rec_evidence" | rec_json),
  "iommu": { "kinds": $(rec_kinds | rec_list), "units": $(rec_names sys/class/iommu | rec_list), "groupTypes": {$(rec_types)} },
  "model": $(printf '%s' "#{rec_dmi:-$(rec_read proc/device-tree/model | tr -d '\000')}" | rec_json),
  "recorded": {
    "command": $rec_command,
    "status": $rec_status,
    "signal": null,
    "startedAt": "$rec_started",
    "seconds": $((rec_end - rec_begin)),
    "trace": "$rec_trace"
  },
  "tracing": {
    "events": $(rec_events | rec_list),
    "tracer": "$rec_tracer",
    "functions": $(rec_traced | rec_list),
    "clock": $(printf '%s' "$rec_clock" | rec_json),
    "bufferKb": $rec_buffer
  },
  "clock": { "trace": $(printf '%s' "$rec_clock" | rec_json), "logOffsetNs": $rec_offset, "from": "the clock that was set" },
  "losses": { "overrun": $(rec_sum overrun), "dropped": $(rec_sum 'dropped events') }
}
REC_END`.replaceAll('#{', '${');

/** Saves the machine's files, and what they say as metadata.json. */
export const FACTS_TEXT: string = [
  JSON_TEXT,
  FILES_TEXT,
  COPIES,
  SAVING_TEXT,
  KINDS_TEXT,
  VERDICT_TEXT,
  METADATA_TEXT,
].join('\n');
