#!/bin/sh
# Installs Debian's Chromium for the browser tests if it is missing and this user may; else says what follows.
set -eu

skip() {
    echo "Chromium is not installed, so browser tests will be skipped: $1" >&2
    exit 0
}

if command -v chromium >/dev/null 2>&1; then exit 0; fi
command -v apt-get >/dev/null 2>&1 || skip "there is no apt-get; install Chromium by hand"

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    skip "run 'apt-get install chromium' as root"
fi

echo "Installing Chromium for the browser tests"
options="--yes --quiet=2 --no-install-recommends -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1"
$as_root apt-get update --quiet=2 || skip "apt-get update failed"
# shellcheck disable=SC2086  # the options are meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install $options chromium fonts-dejavu-core >/dev/null ||
    skip "apt-get install chromium failed"
