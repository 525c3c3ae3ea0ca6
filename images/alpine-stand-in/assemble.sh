#!/bin/sh
# Lays out the stand-in's root file system: busybox and musl installed, the packages that `apk add` may ask for prepared.
set -eu
root="$1"
machine="$(uname -m)"
triplet="$(gcc -dumpmachine)"
prepared="$root/usr/share/stand-in"

mkdir -p "$root/bin" "$root/sbin" "$root/lib" "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/etc" "$root/lib/apk/db" "$root/tmp" \
  "$root/var/tmp" "$root/var/lib" "$root/root" "$root/run"
chmod 1777 "$root/tmp" "$root/var/tmp"
cp /bin/busybox "$root/bin/busybox"
for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s /bin/busybox "$root/bin/$applet"; done
cp "/lib/$machine-linux-musl/libc.so" "$root/lib/ld-musl-$machine.so.1"
ln -s "ld-musl-$machine.so.1" "$root/lib/libc.musl-$machine.so.1"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\n' > "$root/etc/group"
printf '3.22 (stand-in from Debian %s)\n' "$(cat /etc/debian_version)" > "$root/etc/alpine-release"
install -m 0755 /work/apk "$root/sbin/apk"

# $1: Alpine's name; $2: Debian's package; $3: licence
record() {
  mkdir -p "$prepared/$1/files"
  printf 'P:%s\nV:%s\nL:%s\n\n' "$1" "$(dpkg-query -W -f '${Version}' "$2")" "$3" > "$prepared/$1/record"
}

printf 'P:busybox\nV:%s\nL:GPL-2.0-only\n\nP:musl\nV:%s\nL:MIT\n\n' \
  "$(dpkg-query -W -f '${Version}' busybox-static)" "$(dpkg-query -W -f '${Version}' musl)" > "$root/lib/apk/db/installed"

record tini tini MIT
mkdir -p "$prepared/tini/files/sbin"
cp /usr/bin/tini-static "$prepared/tini/files/sbin/tini"

record libstdc++ libstdc++6 'GPL-3.0-or-later WITH GCC-exception-3.1'
mkdir -p "$prepared/libstdc++/files/usr/lib"
cp -L "/usr/lib/$triplet/libstdc++.so.6" "/lib/$triplet/libgcc_s.so.1" "$prepared/libstdc++/files/usr/lib/"
loader="$(basename "$(ls /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* 2>/dev/null | head -n 1)")"
gcc -shared -fPIC -nostdlib -O2 -Wall -Wextra -o "$prepared/libstdc++/files/usr/lib/$loader" /work/shim.c

record ca-certificates ca-certificates 'MPL-2.0 AND MIT'
mkdir -p "$prepared/ca-certificates/files/etc/ssl/certs"
find /usr/share/ca-certificates/mozilla -name '*.crt' | sort | xargs cat > "$prepared/ca-certificates/files/etc/ssl/certs/ca-certificates.crt"
