#!/usr/bin/env bash
# usage: check_unpacked.sh SOURCES PACKAGES WORK
#
# Runs the packages from where dpkg-deb unpacks them.
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -euo pipefail
sources=$1 packages=$2 work=$3

root=$work/unpacked
for deb in "$packages"/*.deb; do
  dpkg-deb -x "$deb" "$root"
done
export PATH=$root/usr/bin:$PATH LD_LIBRARY_PATH=$root/usr/lib
sherry-compile "$root/usr/share/sherry/examples/shakespeare" -o "$work/model.so"
sherry-run "$work/model.so" -p "First Citizen:" -n 8 -q --seed 1 | grep 'First Citizen:.*[a-z]'
cmake -S "$sources/examples/embed" -B "$work/embed" \
  -DCMAKE_PREFIX_PATH="$root/usr" >/dev/null
cmake --build "$work/embed" >/dev/null
"$work/embed/embed" "$work/model.so" "First Citizen:" 8 | grep 'First Citizen:.*[a-z]'
for package in sherry-compiler sherry-runtime libsherry-dev sherry-server; do
  head -1 "$root/usr/share/doc/$package/copyright" | grep copyright-format
done
gzip -dc "$root/usr/share/man/man1/sherry-run.1.gz" | grep '^\.TH SHERRY-RUN'
