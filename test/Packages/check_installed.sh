#!/usr/bin/env bash
# usage: check_installed.sh SOURCES PACKAGES WORK
#
# Installs, uses and removes the packages in a clean Debian 12. It needs root and a
# network.
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -euo pipefail
sources=$1 packages=$2 root=$3/root

mmdebstrap --quiet --variant=minbase --mode=root --dpkgopt=force-unsafe-io \
  bookworm "$root" /etc/apt/sources.list.d/debian.sources
folder=$root/opt/test
mkdir -p "$folder"
cp -r "$packages" "$folder/packages"
cp -r "$sources/examples" "$folder/examples"
cp "$(dirname "$0")/in_root.sh" "$folder"
cp -L /etc/resolv.conf "$root/etc"
# Lazily: another process may look into it.
trap 'umount -l "$root/proc"' EXIT
mount -t proc proc "$root/proc"
# Folders of this system's environment are not there.
env -u TMPDIR chroot "$root" /opt/test/in_root.sh
