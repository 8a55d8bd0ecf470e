#!/bin/sh
# Puts Drift's own compiled margin code into .oracles, for the tests that compare ours with it; never installs it.
# Where it cannot be had, says so and succeeds: those tests then skip. Usage: fetch_oracle.sh PYTHON
set -eu

python=$1
folder=.oracles

skip() {
    echo "Drift's compiled program is not here, so the tests against it will be skipped: $1" >&2
    exit 0
}

if [ -f "$folder/libdrift_ffi_sys.so" ] && [ "$folder/libdrift_ffi_sys.so" -nt requirements/oracle.txt ]; then exit 0; fi
[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || skip "it exists for Linux on x86_64 only"

echo "Fetching Drift's compiled program for the tests"
# Named platform and version: the library needs no Python, so the wheel need not fit the one in use.
"$python" -m pip download --quiet --disable-pip-version-check --retries 1 --timeout 15 \
    --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux2014_x86_64 --require-hashes -r requirements/oracle.txt -d "$folder" ||
    skip "pip could not fetch it as pinned; run 'make oracles' with a network"

"$python" - "$folder" <<'PYTHON'
import pathlib
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])
[wheel] = folder.glob("driftpyrs-*.whl")
with zipfile.ZipFile(wheel) as archive:
    [name] = [name for name in archive.namelist() if "libdrift_ffi_sys" in name]
    (folder / "libdrift_ffi_sys.part").write_bytes(archive.read(name))
(folder / "libdrift_ffi_sys.part").rename(folder / "libdrift_ffi_sys.so")
wheel.unlink()
PYTHON
