#!/bin/sh
# Puts others' code into .oracles, for the tests that compare ours with it; never installs it: Drift's own compiled
# margin code, and a quoter of Meteora's DLMM in Python. Where they cannot be had, says so and succeeds: those tests
# then skip. Usage: fetch_oracle.sh PYTHON
set -eu

python=$1
folder=.oracles

skip() {
    echo "The oracles are not here, so the tests against them will be skipped: $1" >&2
    exit 0
}

if [ -f "$folder/.fetched" ] && [ "$folder/.fetched" -nt requirements/oracle.txt ]; then exit 0; fi

echo "Fetching the oracles for the tests"
# Named platform and version: what is used of the wheels needs no Python of its own, so they need not fit the one here.
"$python" -m pip download --quiet --disable-pip-version-check --retries 1 --timeout 15 \
    --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux2014_x86_64 --require-hashes -r requirements/oracle.txt -d "$folder" ||
    skip "pip could not fetch them as pinned; run 'make oracles' with a network"

"$python" - "$folder" <<'PYTHON'
import pathlib
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])
for wheel in folder.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        if wheel.name.startswith("driftpyrs-"):
            [name] = [name for name in archive.namelist() if "libdrift_ffi_sys" in name]
            (folder / "libdrift_ffi_sys.part").write_bytes(archive.read(name))
            (folder / "libdrift_ffi_sys.part").rename(folder / "libdrift_ffi_sys.so")
        else:
            archive.extractall(folder)
    wheel.unlink()
(folder / ".fetched").touch()
PYTHON
