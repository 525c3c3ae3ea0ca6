#!/bin/sh
# Builds curl from Debian's own source package, for HTTP and HTTPS alone, into $1. Debian's curl links libraries for LDAP, Kerberos, RTMP, SSH
# and more: two dozen files, 4 MB compressed, and as many reasons for a health check not to start.
set -eu
out="$1"

if [ -f /etc/apt/sources.list ]; then sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/source-packages.list; fi
for list in /etc/apt/sources.list.d/*.sources; do
  if [ -f "$list" ]; then sed -i 's/^Types: deb$/Types: deb deb-src/' "$list"; fi
done
apt-get update -q
apt-get install -y -q --no-install-recommends dpkg-dev gcc libc6-dev libssl-dev make zlib1g-dev

mkdir -p /work/curl "$out"
cd /work/curl
apt-get source -q curl
cd curl-*/
eval "$(dpkg-buildflags --export=sh)"
./configure --quiet --disable-maintainer-mode --disable-shared --enable-static --disable-manual \
  --with-openssl --with-zlib --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
  --without-brotli --without-libgsasl --without-libidn2 --without-libpsl --without-librtmp --without-libssh2 --without-nghttp2 --without-zstd \
  --disable-dict --disable-file --disable-ftp --disable-gopher --disable-imap --disable-ldap --disable-ldaps --disable-mqtt --disable-ntlm \
  --disable-pop3 --disable-rtsp --disable-smb --disable-smtp --disable-telnet --disable-tftp
make -s -j"$(nproc)" -C lib
make -s -j"$(nproc)" -C src
install -m 0755 -s src/curl "$out/curl"
cp debian/copyright "$out/copyright"
printf 'Package: curl\nVersion: %s\nArchitecture: %s\nSource: curl\nDescription: curl for HTTP and HTTPS, built from the Debian source package\n' \
  "$(dpkg-parsechangelog -S Version)" "$(dpkg --print-architecture)" > "$out/status"
