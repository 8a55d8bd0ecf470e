#!/bin/sh
# Puts the DEXes' own SDKs into .oracles/node_modules, for the tests and the benchmark that ask them what ours is asked;
# they are run there, never installed nor shipped. Where they cannot be had, says so and succeeds: those tests then skip.
set -eu

pins=requirements/sdks
folder=.oracles

skip() {
    echo "The SDKs are not here, so the tests against them will be skipped: $1" >&2
    exit 0
}

if cmp -s "$pins/package-lock.json" "$folder/.sdks-lock"; then exit 0; fi
command -v npm >/dev/null 2>&1 || skip "there is no npm on this machine"

echo "Fetching the SDKs for the tests"
mkdir -p "$folder"
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$folder/"
(cd "$folder" && npm ci --silent --ignore-scripts) || skip "npm could not fetch them as pinned; run 'make oracles' with a network"
cp "$pins/package-lock.json" "$folder/.sdks-lock"
