#!/bin/sh
# Lays out the distroless root file system in $1, for uid $2: the contents of distroless cc-debian12 (base files, certificates, time zones, the C
# and C++ run-time libraries), tini, and the curl of $3 with every library that the loader says it needs. Runs in a Debian 12 stage, on any
# processor.
set -eu
root="$1"
uid="$2"
curl="$3"

full="base-files netbase tzdata media-types ca-certificates libc6 libssl3 libgcc-s1 libstdc++6 libgomp1 gcc-12-base"
apt-get update -q
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends tini zlib1g $full

mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib"
for link in bin sbin lib; do ln -s "usr/$link" "$root/$link"; done
if [ -d /lib64 ]; then mkdir "$root/usr/lib64" && ln -s usr/lib64 "$root/lib64"; fi

# A file, or a link and what it leads to, at the same place in the tree.
copy_file() {
  if [ -L "$root$1" ] || [ -e "$root$1" ]; then return; fi
  if [ -L "$1" ] || [ -f "$1" ]; then cp -a --parents "$1" "$root"; fi
  if [ -L "$1" ]; then copy_file "$(realpath "$1")"; fi
}

# Files of a package, without what no program here reads: documents, character sets (gconv), vector mathematics (libmvec), helpers of
# debuggers, and the single certificates that the bundle holds too.
copy_package() {
  dpkg -L "$1" | while read -r path; do
    case "$path" in
      */usr/share/doc/*/copyright) ;;
      */usr/share/doc/* | */usr/share/man/* | */usr/share/lintian/* | */usr/share/bug/* | */usr/share/locale/* | */gconv/* | */engines-3/*) continue ;;
      */libmvec.so* | */libthread_db.so* | */libc_malloc_debug.so* | /usr/share/ca-certificates/* | /usr/share/gdb/*) continue ;;
      /etc/update-motd.d* | /etc/profile* | /etc/dpkg* | /usr/share/base-files/* | /usr/sbin/* | /etc/ca-certificates*) continue ;;
    esac
    copy_file "$path"
  done
}

# The package that owns a file, and its entry where scanners of distroless images look for it.
record_package() {
  mkdir -p "$root/var/lib/dpkg/status.d"
  dpkg -s "$1" > "$root/var/lib/dpkg/status.d/$(echo "$1" | cut -d: -f1)"
}

for package in $full; do
  copy_package "$package"
  record_package "$package"
done

# Every library that the loader names for an executable, with the package that owns it.
copy_libraries() {
  ldd "$1" | grep -o '/[^ ]*' | while read -r file; do
    copy_file "$file"
    owner="$(dpkg -S "$(realpath "$file")" "$file" "/usr$file" "${file#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1)"
    [ -n "$owner" ] || { echo "no package owns $file" >&2; exit 1; }
    record_package "$owner"
    copy_file "/usr/share/doc/$owner/copyright"
  done
}

copy_libraries "$curl/curl"
install -m 0755 "$curl/curl" "$root/usr/bin/curl"
install -D -m 0644 "$curl/copyright" "$root/usr/share/doc/curl/copyright"
cp "$curl/status" "$root/var/lib/dpkg/status.d/curl"

copy_libraries /usr/bin/tini
install -m 0755 /usr/bin/tini "$root/usr/sbin/tini"
copy_file /usr/share/doc/tini/copyright
record_package tini

mkdir -p "$root/etc/ssl/certs" "$root/etc/chio" "$root/home/nonroot" "$root/root" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" \
  "$root/var/tmp" "$root/usr/local/bin" "$root/usr/share/sbom"
find /usr/share/ca-certificates/mozilla -name '*.crt' | sort | xargs cat > "$root/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:%s:%s:nonroot:/home/nonroot:/sbin/nologin\n' \
  "$uid" "$uid" > "$root/etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\nnonroot:x:%s:\n' "$uid" > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"

# Nothing may run with more rights than its caller, and only the state folder (laid over this tree) is writable.
find "$root" -xdev \( -perm /6000 -o -perm /0022 \) ! -type l -exec chmod a-s,go-w,a-t {} +
chown -R 0:0 "$root"

# The lesson of images that copied a list of libraries: run curl inside the tree before anyone relies on it.
chroot "$root" /usr/bin/curl --version
chroot "$root" /sbin/tini --version
