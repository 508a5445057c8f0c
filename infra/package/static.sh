# To be sourced from the root of the repository: how a static Linux program is built, for x86-64 unless CARGO_BUILD_TARGET
# names another. `.ci/run` does everything this way, so that what the tests try is what the package holds.
#
# The C library goes into the program too, so that it runs on any Linux: the image of the plan may be older than this
# machine. The explicit target keeps the flags from what runs here, such as procedural macros. A static program cannot look
# its C library's getrandom up by name, and would read /dev/urandom: it is told to call it.
export CARGO_BUILD_TARGET="${CARGO_BUILD_TARGET:-x86_64-unknown-linux-gnu}"
export RUSTFLAGS="-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\""
RUSTFLAGS+=" --remap-path-prefix=$PWD=/src --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
# OpenSSL with its locks; and what it takes for the time it was built.
export OPENSSL_SRC_PERL="$PWD/infra/package/perl"
export SOURCE_DATE_EPOCH=1577836800
