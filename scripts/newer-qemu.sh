#!/usr/bin/env bash
# Fetches Debian's newest QEMU (trixie-backports) with the libraries that it needs into a folder, without installing anything,
# and writes FOLDER/bin/qemu-system-{aarch64,x86_64,riscv64}, which run it with those libraries:
#   scripts/newer-qemu.sh build/qemu && IOMMU_EMULATORS=build/qemu/bin npm run judge
# Needs Debian's apt and dpkg. DEBIAN_MIRROR names the package mirror; by default it is the one that this machine's apt uses.
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: $0 FOLDER" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets 'Created-By: Packages' 'Origin: Debian' | sed -n '/security/d; s/^Repo-URI: //p' | sed -n 1p || true)}
if [ -z "$mirror" ]; then
  echo "DEBIAN_MIRROR: expected the address of a mirror of Debian, got none, and apt names none" >&2
  exit 2
fi
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$folder"/apt/{lists/partial,archives/partial} "$folder"/{deb,root,bin}
for suite in trixie trixie-backports; do
  echo "deb [signed-by=$keys] $mirror $suite main"
done >"$folder/apt/sources.list"
touch "$folder/apt/status"
cat >"$folder/apt/apt.conf" <<EOF
Dir::State "$folder/apt";
Dir::State::lists "$folder/apt/lists";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::SourceList "$folder/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Sandbox::User "root";
EOF
export APT_CONFIG=$folder/apt/apt.conf
apt-get update -qq

emulators=(qemu-system-arm qemu-system-x86 qemu-system-riscv)
# what they link, without the parts of a system that an emulator does not touch
mapfile -t libraries < <(
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${emulators[@]}" |
    grep -E '^(lib|zlib)' | grep -vE '^lib(pam|debconf|debian|semanage|newt|textwrap|db5|sasl2-modules)' | sort -u
)
cd "$folder/deb"
apt-get download -qq "${libraries[@]}"
apt-get download -qq -t trixie-backports "${emulators[@]}" qemu-system-data
for package in *.deb; do dpkg-deb -x "$package" "$folder/root"; done

library=$folder/root/usr/lib/x86_64-linux-gnu
for machine in aarch64 x86_64 riscv64; do
  program=$folder/bin/qemu-system-$machine
  cat >"$program" <<EOF
#!/bin/sh
exec "$library/ld-linux-x86-64.so.2" --library-path "$library" "$folder/root/usr/bin/qemu-system-$machine" -L "$folder/root/usr/share/qemu" "\$@"
EOF
  chmod +x "$program"
  "$program" --version | head -1
done
