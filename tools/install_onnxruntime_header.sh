#!/bin/sh
# Puts onnxruntime's C header, which the kernels and the C++ bundle are built with, where they look for it.
#
# Debian 13 and later have it as a package. On an older Debian this takes it out of Debian 13's package, from the same
# mirror and checked by the same keys as the machine's other packages; nothing else of Debian 13 is installed.
#
#   sh tools/install_onnxruntime_header.sh
set -eu
package=libonnxruntime-dev
target=/usr/local/include
if [ -f /usr/include/onnxruntime/onnxruntime_c_api.h ] || [ -f "$target/onnxruntime/onnxruntime_c_api.h" ]; then
  exit 0
fi
if apt-cache show "$package" >/dev/null 2>&1; then
  apt-get install -qy "$package"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
mkdir -p "$folder/parts" "$folder/lists/partial"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror trixie main" >"$folder/parts/trixie.list"
apt_trixie() {
  apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/parts" \
    -o Dir::State::Lists="$folder/lists" -o APT::Sandbox::User=root "$@"
}
apt_trixie update
(cd "$folder" && apt_trixie download "$package")
dpkg -x "$folder/$package"_*.deb "$folder/files"
mkdir -p "$target"
cp -r "$folder/files/usr/include/onnxruntime" "$target/"
