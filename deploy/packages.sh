# The Debian packages natter needs, each in one list by what it is needed for. Sourced by deploy/install.

# To compile: the compiler, and the libraries that cmake/libraries.cmake and the folders look for.
packages_build=(
    build-essential cmake ninja-build pkg-config ccache
    libev-dev      # the event loop
    libjansson-dev # INFO and CONNECT
    libxxhash-dev  # hashing, header only
    libnats-dev    # the command line's connection
)

# To test: the test framework, the sanitizers and fuzzers, the linters, and the peers to test against.
packages_test=(
    libcriterion-dev
    clang libclang-rt-14-dev llvm # llvm: names for the addresses in the sanitizers' reports
    clang-format clang-tidy
    nats-server
    nodejs npm ca-certificates # stock JavaScript clients
    valgrind                   # instruction counts that repeat, for the benchmarks
)

# Packages that may have come from elsewhere: this command being there is as good.
declare -A packages_command=([nodejs]=node [npm]=npm [nats-server]=nats-server [ccache]=ccache)
