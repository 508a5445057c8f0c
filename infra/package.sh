#!/usr/bin/env bash
# Builds the connector as one static Linux x86-64 program and packs it with what the Functions host reads:
#   infra/package.sh                 → dist/referral-connector.zip
#   infra/package.sh --profile dev   → the same of a program that is built faster and runs slower, for tests
# Needs what the README lists, and python3.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release
case "${1:-}" in
  '') ;;
  --profile) profile="${2:?--profile needs a name}" ;;
  *) echo "unknown argument $1; usage: infra/package.sh [--profile NAME]" >&2; exit 64 ;;
esac

export CARGO_BUILD_TARGET=x86_64-unknown-linux-gnu
. infra/package/static.sh
# What is released has what the program itself asks of its libraries; for tests, what the tests have compiled is taken.
only=(--package referral-connector)
[ "$profile" = dev ] && only=()
cargo build --locked --bin referral-connector "${only[@]}" --profile "$profile"

folder="$([ "$profile" = dev ] && echo debug || echo "$profile")"
program="${CARGO_TARGET_DIR:-target}/$CARGO_BUILD_TARGET/$folder/referral-connector"
if readelf --program-headers --wide "$program" | grep -q INTERP; then
  echo "$program needs a loader and shared libraries, so it would not run everywhere" >&2
  exit 70
fi
# It says so, and does not start, if OpenSSL has no locks.
"$program" completions bash > /dev/null
python3 infra/package/pack.py . "$program" dist/referral-connector.zip
