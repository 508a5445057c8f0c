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

# The C library goes into the program too, so that it runs on any Linux: the image of the plan may be older than this
# machine. The explicit target keeps the flags from what runs here, such as procedural macros. A static program cannot look
# its C library's getrandom up by name, and would read /dev/urandom: it is told to call it.
target=x86_64-unknown-linux-gnu
home="${CARGO_HOME:-$HOME/.cargo}"
export RUSTFLAGS="-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\""
RUSTFLAGS+=" --remap-path-prefix=$PWD=/src --remap-path-prefix=$home=/cargo"
# What OpenSSL takes for the time it was built.
export SOURCE_DATE_EPOCH=1577836800
cargo build --locked --bin referral-connector --target "$target" --profile "$profile"

folder="$([ "$profile" = dev ] && echo debug || echo "$profile")"
program="${CARGO_TARGET_DIR:-target}/$target/$folder/referral-connector"
if readelf --program-headers --wide "$program" | grep -q INTERP; then
  echo "$program needs a loader and shared libraries, so it would not run everywhere" >&2
  exit 70
fi
python3 infra/package/pack.py . "$program" dist/referral-connector.zip
