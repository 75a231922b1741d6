#!/usr/bin/env bash
# Runs as root in a clean Debian, in a folder with packages/*.deb and examples/:
# installs, uses and removes the packages.
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
cd "$(dirname "$0")"

apt_get() {
  apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-unsafe-io "$@" </dev/null
}

# All files and folders, without those that dpkg, ldconfig and useradd write.
list_files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/log \
    -o -path /var/cache -o -path /etc/ld.so.cache -o -path '/etc/*-' -o -path "$PWD" \) -prune \
    -o -print | sort
}

# First what the packages say that they need, then they alone.
depends=$(for deb in packages/*.deb; do dpkg-deb -f "$deb" Depends; done |
  tr '\n' ',' | sed 's/sherry-runtime ([^)]*),\? *//g; s/,\+/,/g; s/,$//')
apt_get update
apt_get satisfy "$depends, cmake, gcc, g++, make, mlir-22-tools, pkg-config" >apt.log ||
  { cat apt.log; exit 1; }
list_files >before
dpkg --force-unsafe-io -i packages/*.deb >/dev/null

# A user without rights, in a folder of their own.
useradd -m user 2>/dev/null || true
install -d -o user work
cat >work/steps <<'END'
set -euxo pipefail
sherry-compile /usr/share/sherry/examples/shakespeare -o model.so
sherry-run model.so -p "First Citizen:" -n 8 -q --seed 1 | grep 'First Citizen:.*[a-z]'
sherry-serve --version
sherry-train-tokenizer --version
cmake -S ../examples/embed -B embed >/dev/null
cmake --build embed >/dev/null
embed/embed model.so "First Citizen:" 8 | grep 'First Citizen:.*[a-z]'
# shellcheck disable=SC2046
cc ../examples/embed/main.c $(pkg-config --cflags --libs sherry) -o shared
./shared model.so "First Citizen:" 8 | grep 'First Citizen:.*[a-z]'
plugin=/usr/lib/sherry/SherryPlugin.so
/usr/lib/llvm-22/bin/mlir-opt --load-dialect-plugin=$plugin \
  --load-pass-plugin=$plugin --help >help
grep -e --sherry-fuse-linear help
END
su user -c "cd '$PWD/work' && bash steps"

for path in /usr/share/man/man1/sherry-run.1.gz \
  /usr/lib/systemd/system/sherry-serve@.service \
  /usr/share/zsh/vendor-completions/_sherry-run \
  /usr/share/doc/libsherry-dev/copyright; do
  dpkg -S "$path"
done

for deb in packages/*.deb; do
  dpkg-deb -f "$deb" Package
done | xargs dpkg --purge >/dev/null
userdel -r user 2>/dev/null
list_files >after
diff before after
echo "nothing is left"
